/**
 * Runs a program with a virtual clock and its own scheduler, so that the run can be repeated. No promise and no timer of the platform
 * is used. A seed decides the order in which fibers run, and where they are pre-empted. When all fibers wait, the clock advances to
 * the next timer.
 *
 * The same seed gives the same run, also in another process, if the program waits only for its clock.
 *
 * @since 0.2.0
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import type * as Scheduler from "effect/Scheduler"
import { PCGRandom } from "effect/Utils"

/**
 * The end of a run. `deadlock`: fibers wait, and no timer is left. `budget`: the run exceeded its limit of virtual time or of steps.
 * `halted`: `halt` was called.
 *
 * @category models
 * @since 0.2.0
 */
export type Ending<A, E> =
  | { readonly _tag: "done"; readonly exit: Exit.Exit<A, E> }
  | { readonly _tag: "deadlock" | "budget" | "halted" }

/**
 * Limits of a run.
 *
 * @category models
 * @since 0.2.0
 */
export interface Options {
  /** The probability that a fiber is pre-empted at an operation, at most 0.05. Default: 0.02. */
  readonly preemption?: number | undefined
  /** Maximum virtual time. Default: one day. */
  readonly atMost?: Duration.DurationInput | undefined
  /** Maximum number of steps, which are the tasks that fibers run. Default: a million. */
  readonly stepsAtMost?: number | undefined
}

interface Timer {
  readonly atMillis: number
  readonly order: number
  readonly fire: () => void
}

/**
 * One world, for one run.
 *
 * @category models
 * @since 0.2.0
 */
export class World {
  private readonly random: PCGRandom
  private readonly timers = new Set<Timer>()
  private readonly fibers = new Set<Fiber.RuntimeFiber<unknown, unknown>>()
  private readonly watchers: Array<{ readonly step: number; readonly then: () => void }> = []
  private tasks: Array<() => void> = []
  private order = 0
  private halted = false
  private nowMillis = 0
  private taken = 0
  // Pre-emption takes operations too. With a higher probability, a fiber would do nothing else.
  private readonly preemption: number

  constructor(
    readonly seed: number,
    private readonly options: Options = {}
  ) {
    this.random = new PCGRandom(seed)
    this.preemption = Math.min(options.preemption ?? 0.02, 0.05)
  }

  /** Virtual milliseconds since the world began. */
  now(): number {
    return this.nowMillis
  }

  /** The number of tasks that have run. */
  steps(): number {
    return this.taken
  }

  /** The number of pending timers. */
  pendingTimers(): number {
    return this.timers.size
  }

  /** The number of fibers that have not ended. */
  livingFibers(): ReadonlyArray<Fiber.RuntimeFiber<unknown, unknown>> {
    return Array.from(this.fibers).filter((fiber) => fiber.unsafePoll() === null)
  }

  /** Ends the run as the end of a process does: no finalizer runs. */
  halt(): void {
    this.halted = true
  }

  isHalted(): boolean {
    return this.halted
  }

  /** Calls the function between two tasks, before the `step`-th. */
  at(step: number, then: () => void): void {
    this.watchers.push({ step, then })
  }

  /** Runs an effect to its end. */
  run<A, E>(effect: Effect.Effect<A, E>): Ending<A, E> {
    const fiber = Effect.runFork(effect.pipe(Effect.withClock(this.clock), Effect.withRandom(Random.make(this.seed))), {
      scheduler: this.scheduler
    })
    return this.resume(fiber)
  }

  /** Continues the run until this fiber has ended. */
  resume<A, E>(fiber: Fiber.RuntimeFiber<A, E>): Ending<A, E> {
    const latest = Duration.toMillis(this.options.atMost ?? "1 day")
    const steps = this.options.stepsAtMost ?? 1_000_000
    for (;;) {
      const exit = fiber.unsafePoll()
      if (exit !== null && this.tasks.length === 0) {
        return { _tag: "done", exit }
      }
      if (this.halted) {
        return { _tag: "halted" }
      }
      if (this.taken >= steps) {
        return { _tag: "budget" }
      }
      if (this.tasks.length > 0) {
        this.step()
        continue
      }
      const timer = this.earliest()
      if (timer === undefined) {
        return { _tag: "deadlock" }
      }
      if (timer.atMillis > latest) {
        return { _tag: "budget" }
      }
      this.timers.delete(timer)
      this.nowMillis = Math.max(this.nowMillis, timer.atMillis)
      timer.fire()
    }
  }

  /** Forks an effect in this world. */
  fork<A, E>(effect: Effect.Effect<A, E>): Fiber.RuntimeFiber<A, E> {
    return Effect.runFork(effect.pipe(Effect.withClock(this.clock), Effect.withRandom(Random.make(this.seed))), {
      scheduler: this.scheduler
    })
  }

  private step(): void {
    this.taken++
    for (const watcher of this.watchers) {
      if (watcher.step === this.taken) {
        watcher.then()
      }
    }
    const index = this.random.integer(this.tasks.length)
    const last = this.tasks.pop()
    const task = this.tasks[index] ?? last
    if (task !== last && last !== undefined) {
      this.tasks[index] = last
    }
    task?.()
  }

  private earliest(): Timer | undefined {
    let first: Timer | undefined
    for (const timer of this.timers) {
      if (
        first === undefined ||
        timer.atMillis < first.atMillis ||
        (timer.atMillis === first.atMillis && timer.order < first.order)
      ) {
        first = timer
      }
    }
    return first
  }

  /** The clock of this world. It starts at 0, which is the beginning of 1970. */
  readonly clock: Clock.Clock = {
    [Clock.ClockTypeId]: Clock.ClockTypeId,
    unsafeCurrentTimeMillis: () => this.nowMillis,
    unsafeCurrentTimeNanos: () => BigInt(Math.round(this.nowMillis * 1e6)),
    currentTimeMillis: Effect.sync(() => this.nowMillis),
    currentTimeNanos: Effect.sync(() => BigInt(Math.round(this.nowMillis * 1e6))),
    sleep: (duration) =>
      Effect.suspend(() => {
        let timer: Timer | undefined
        const sleeping = Effect.async<void>((resume) => {
          timer = {
            atMillis: this.nowMillis + Duration.toMillis(duration),
            order: this.order++,
            fire: () => resume(Effect.void)
          }
          this.timers.add(timer)
        })
        // Not with the canceller of `async`. A fiber that is pre-empted and interrupted between its registration and its
        // suspension never calls it.
        return Effect.onInterrupt(sleeping, () =>
          Effect.sync(() => {
            if (timer !== undefined) {
              this.timers.delete(timer)
            }
          })
        )
      })
  }

  /** The scheduler of this world. */
  readonly scheduler: Scheduler.Scheduler = {
    shouldYield: () => (this.random.number() < this.preemption ? 0 : false),
    scheduleTask: (task, _priority, fiber) => {
      this.tasks.push(task)
      if (fiber !== undefined) {
        this.fibers.add(fiber)
      }
    }
  }
}
