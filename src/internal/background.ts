/**
 * Runs the effects of `Progress` and `Journal` on fibers that belong to the downloader's scope, not to a transfer. This also holds
 * for fibers that such an effect forks. Neither a deadline nor an interrupted caller ends them.
 *
 * @internal
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Runtime from "effect/Runtime"
import type * as Scope from "effect/Scope"

/** Makes the fibers that an effect forks children of another fiber. */
type Graft = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

/** When the downloader closes, its listeners and its journal have this much time to finish. */
const graceMillis = 2000

export class Background {
  private readonly fibers = new Set<Fiber.RuntimeFiber<unknown, unknown>>()
  /** The number of requests that have begun and whose outcome was not sent yet. */
  private requests = 0
  private wake: (() => void) | undefined
  private closed = false

  constructor(private readonly graft: Graft) {}

  get isClosed(): boolean {
    return this.closed
  }

  /**
   * Runs an effect on its own fiber, and calls `onEnd` when the effect has ended. If the effect does not suspend, `onEnd` is
   * called before `start` returns. An effect that suspends after the downloader has closed is interrupted.
   */
  start<A, E>(
    runtime: Runtime.Runtime<never>,
    effect: Effect.Effect<A, E>,
    onEnd: (exit: Exit.Exit<A, E>) => void
  ): void {
    const fiber = Runtime.runFork(runtime, this.graft(Effect.interruptible(effect)))
    const exit = fiber.unsafePoll()
    if (exit !== null) {
      onEnd(exit)
      return
    }
    this.fibers.add(fiber)
    fiber.addObserver((ended) => {
      this.fibers.delete(fiber)
      onEnd(ended)
      this.wakeIfIdle()
    })
    if (this.closed) {
      fiber.unsafeInterruptAsFork(fiber.id())
    }
  }

  /** Counts a request that begins. Its last event may come shortly after the scope has ended the transfers. */
  enter(): void {
    this.requests++
  }

  leave(): void {
    this.requests--
    this.wakeIfIdle()
  }

  private get isIdle(): boolean {
    return this.fibers.size === 0 && this.requests === 0
  }

  private wakeIfIdle(): void {
    if (this.isIdle) {
      this.wake?.()
    }
  }

  /** Waits at most `graceMillis` until all events are sent and all fibers have ended, and interrupts the remaining fibers. */
  readonly close: Effect.Effect<void> = Effect.suspend(() => {
    const idle = Effect.async<void>((resume) => {
      if (this.isIdle) {
        resume(Effect.void)
      } else {
        this.wake = () => resume(Effect.void)
      }
    })
    const end = Effect.suspend(() => {
      this.closed = true
      return Fiber.interruptAll(this.fibers)
    })
    if (this.isIdle) {
      return end
    }
    const wake = Effect.sync(() => this.wake?.())
    const timer = Effect.fork(Effect.interruptible(Effect.zipRight(Effect.sleep(graceMillis), wake)))
    // A `TestClock` stands still while a scope closes, so the real clock limits the wait as well. The timers are fibers, because
    // the fiber that closes the scope may be interrupted and would not sleep.
    return Effect.flatMap(Effect.zip(timer, Effect.withClock(timer, Clock.make())), (timers) =>
      Effect.zipRight(idle, Effect.zipRight(Fiber.interruptAll(timers), end))
    )
  })
}

/** Closes with the scope. */
export const make: Effect.Effect<Background, never, Scope.Scope> = Effect.gen(function* () {
  const grafted = yield* Deferred.make<Graft>()
  // The fibers that the effects fork are its children and end with it.
  const owner = Effect.transplant((graft) =>
    Effect.zipRight(
      Deferred.succeed(grafted, graft),
      Effect.async<never>(() => {})
    )
  )
  yield* Effect.forkScoped(Effect.interruptible(owner))
  const background = new Background(yield* Deferred.await(grafted))
  yield* Effect.addFinalizer(() => background.close)
  return background
})
