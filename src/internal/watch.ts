/**
 * Bounds on one attempt: absolute ones for its head and for the whole of it, and one on how slowly its body may come.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"

/** Times in milliseconds of the Clock's nanoseconds, which no change of the wall clock moves. */
export interface Wait {
  phase: "headers" | "body"
  headersAt: number
  totalAt: number
  /** When the present stall window began, and what came since. */
  windowAt: number
  windowBytes: number
  /** While the receiver keeps the sender waiting, slowness is its own. */
  resting: boolean
}

export interface Stall {
  /** Fewer bytes than this … */
  readonly bytes: number
  /** … in this time are a stall. */
  readonly millis: number
}

// A timer beyond this fires at once, or never.
const longestMillis = 2 ** 31 - 1

// A busy process is late too, but not that late.
const standstillMillis = 1000

export const nowMillis: Effect.Effect<number> = Effect.clockWith((clock) =>
  Effect.sync(() => Number(clock.unsafeCurrentTimeNanos()) / 1e6)
)

/**
 * Interrupts the effect, waits until it has ended, and fails, when a bound is reached. An effect that succeeds in that
 * moment has succeeded.
 */
export const watched =
  <E2>(wait: Wait, stall: Stall, onTimeout: (phase: "headers" | "stall" | "total") => E2) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | E2, R> =>
    Effect.uninterruptibleMask((restore) =>
      Effect.gen(function* () {
        let over: "headers" | "stall" | "total" | undefined
        // Interruptible also where the caller is not: a bound that cannot interrupt is none. An interruption of the
        // caller reaches the work through `onInterrupt` alone.
        const work = yield* Effect.fork(Effect.interruptible(effect))
        const self = yield* Effect.fiberId
        const watch = yield* expiry(wait, stall).pipe(
          Effect.flatMap((phase) => {
            over = phase
            return Fiber.interruptAsFork(work, self)
          }),
          Effect.interruptible,
          Effect.fork
        )
        const exit = yield* restore(Fiber.await(work)).pipe(
          Effect.onInterrupt(() => Fiber.interrupt(work)),
          Effect.ensuring(Fiber.interrupt(watch))
        )
        return yield* over !== undefined && Exit.isFailure(exit) && Cause.isInterruptedOnly(exit.cause)
          ? Effect.fail(onTimeout(over))
          : exit
      })
    )

/** Waits for the first bound that is reached. */
const expiry = (wait: Wait, stall: Stall): Effect.Effect<"headers" | "stall" | "total"> =>
  Effect.flatMap(nowMillis, (now) => {
    if (wait.totalAt <= now) {
      return Effect.succeed("total" as const)
    }
    if (wait.phase === "headers" && wait.headersAt <= now) {
      return Effect.succeed("headers" as const)
    }
    if (wait.phase === "body" && now - wait.windowAt >= stall.millis) {
      if (wait.windowBytes < stall.bytes && !wait.resting) {
        return Effect.succeed("stall" as const)
      }
      wait.windowAt = now
      wait.windowBytes = 0
    }
    const left = Math.min(
      wait.totalAt - now,
      wait.phase === "headers" ? wait.headersAt - now : wait.windowAt + stall.millis - now,
      // A body that begins meanwhile has a window that ends no earlier.
      stall.millis,
      longestMillis
    )
    const millis = Math.max(1, Math.ceil(left))
    return Effect.sleep(millis).pipe(
      Effect.zipRight(nowMillis),
      Effect.flatMap((after) => {
        // This process stood still (a laptop asleep, a job stopped with Ctrl-Z): as long again, because an answer may have
        // come that nobody has looked at.
        const late = after - now - millis
        if (late > standstillMillis) {
          const more = Math.min(late, millis)
          wait.totalAt = Math.max(wait.totalAt, after - late) + more
          wait.headersAt = Math.max(wait.headersAt, after - late) + more
          wait.windowAt += late
        }
        return expiry(wait, stall)
      })
    )
  })
