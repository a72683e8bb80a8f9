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

/** After an interruption, a fiber has this much time to end. The scope does not wait longer for a step that cannot be interrupted. */
const interruptionMillis = 500

export class Background {
  private readonly fibers = new Set<Fiber.RuntimeFiber<unknown, unknown>>()
  /** The number of requests that have begun and whose outcome was not sent yet. */
  private requests = 0
  private onChange: (() => void) | undefined
  private closed = false

  /** `owner`: the parent of the fibers that the effects fork. */
  constructor(
    private readonly graft: Graft,
    private readonly owner: Fiber.RuntimeFiber<never>
  ) {
    owner.addObserver(() => this.onChange?.())
  }

  get isClosed(): boolean {
    return this.closed
  }

  /**
   * Runs an effect on its own fiber. Returns its exit if it does not suspend. Otherwise returns undefined, and calls `onEnd` with
   * the exit when the effect has ended. An effect that suspends after the downloader has closed is interrupted.
   */
  start<A, E>(
    runtime: Runtime.Runtime<never>,
    effect: Effect.Effect<A, E>,
    onEnd: (exit: Exit.Exit<A, E>) => void
  ): Exit.Exit<A, E> | undefined {
    const fiber = Runtime.runFork(runtime, this.graft(Effect.interruptible(effect)))
    const exit = fiber.unsafePoll()
    if (exit !== null) {
      return exit
    }
    this.fibers.add(fiber)
    fiber.addObserver((ended) => {
      this.fibers.delete(fiber)
      onEnd(ended)
      this.onChange?.()
    })
    if (this.closed) {
      fiber.unsafeInterruptAsFork(fiber.id())
    }
    return undefined
  }

  /** Counts a request that begins. Its last event may come shortly after the scope has ended the transfers. */
  enter(): void {
    this.requests++
  }

  leave(): void {
    this.requests--
    this.onChange?.()
  }

  /** Waits until all events are sent and all fibers have ended, for `graceMillis` at most, and interrupts the remaining fibers. */
  readonly close: Effect.Effect<void> = Effect.gen(this, function* () {
    yield* this.waitUntil(() => this.fibers.size === 0 && this.requests === 0, graceMillis)
    this.closed = true
    for (const fiber of this.fibers) {
      fiber.unsafeInterruptAsFork(fiber.id())
    }
    yield* this.waitUntil(() => this.fibers.size === 0, interruptionMillis)
    this.owner.unsafeInterruptAsFork(this.owner.id())
    const isOver = () => this.fibers.size === 0 && this.owner.unsafePoll() !== null
    if (this.fibers.size === 0) {
      yield* this.waitUntil(isOver, interruptionMillis)
    }
    if (!isOver()) {
      yield* Effect.logWarning(
        "A Progress listener or a Journal did not end when it was interrupted. It may go on after its downloader has closed."
      )
    }
  })

  private waitUntil(isOver: () => boolean, limitMillis: number): Effect.Effect<void> {
    return Effect.suspend(() => {
      const latch = Effect.unsafeMakeLatch()
      this.onChange = () => {
        if (isOver()) {
          latch.unsafeOpen()
        }
      }
      this.onChange()
      const timer = Effect.fork(Effect.interruptible(Effect.zipRight(Effect.sleep(limitMillis), latch.open)))
      // While a scope closes, a test's clock stands still: the real clock limits the wait too. The timers are fibers, because
      // the fiber that closes the scope may have been interrupted, and would not sleep.
      const timers = Effect.zip(timer, Effect.withClock(timer, Clock.make()))
      return isOver()
        ? Effect.void
        : Effect.flatMap(timers, (both) => Effect.zipRight(latch.await, Fiber.interruptAll(both)))
    })
  }
}

/** Closes with the scope. */
export const make: Effect.Effect<Background, never, Scope.Scope> = Effect.gen(function* () {
  const grafted = yield* Deferred.make<Graft>()
  // The parent of the fibers that the effects fork. They end with it.
  const owner = Effect.transplant((graft) =>
    Effect.zipRight(
      Deferred.succeed(grafted, graft),
      Effect.async<never>(() => {})
    )
  )
  // Not forkScoped: the scope would wait for a child that cannot be interrupted. `close` ends it.
  const fiber = yield* Effect.forkDaemon(Effect.interruptible(owner))
  const background = new Background(yield* Deferred.await(grafted), fiber)
  yield* Effect.addFinalizer(() => background.close)
  return background
})
