/**
 * Runs the effects of an object that is driven by calls.
 *
 * The object belongs to a fiber, which waits in `run`. An effect that has to wait, such as a write to a slow disk, runs on a
 * child of that fiber, and its end is a call again.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import { isExit } from "../internal/andThen.js"

/** An effect that was started. */
export class Task {
  isInterrupted = false
  fiber: Fiber.RuntimeFiber<unknown, unknown> | undefined

  constructor(readonly fork: Effect.Effect<Fiber.RuntimeFiber<unknown, unknown>>) {}

  /** Interrupts the effect. Its end is a call as well. */
  interrupt(): void {
    this.isInterrupted = true
    this.fiber?.unsafeInterruptAsFork(FiberId.none)
  }
}

export class Tasks<A, E> {
  // Made when they are needed: most attempts have no tasks.
  private begun: Array<Task> | undefined
  private running: Set<Fiber.RuntimeFiber<unknown, unknown>> | undefined
  private exit: Exit.Exit<A, E> | undefined
  private wake: (() => void) | undefined

  /** Runs the effect, and calls `onEnd` when it has ended. If it has ended already, `onEnd` is called before this returns. */
  start<B, E2>(effect: Effect.Effect<B, E2>, onEnd: (exit: Exit.Exit<B, E2>) => void): Task | undefined {
    const ended = (exit: Exit.Exit<B, E2>): void => {
      try {
        onEnd(exit)
      } catch (defect) {
        this.end(Exit.die(defect))
      }
    }
    if (isExit(effect)) {
      ended(effect)
      return undefined
    }
    const task = new Task(
      Effect.map(Effect.fork(effect), (fiber) => {
        this.running ??= new Set()
        this.running.add(fiber)
        fiber.addObserver((exit) => {
          this.running?.delete(fiber)
          ended(exit)
        })
        return fiber
      })
    )
    this.begun ??= []
    this.begun.push(task)
    this.wake?.()
    return task
  }

  /** Ends `run`. The first call counts. */
  end(exit: Exit.Exit<A, E>): void {
    this.exit ??= exit
    this.wake?.()
  }

  /** Waits for `end`, and forks the effects that are started until then. */
  get run(): Effect.Effect<A, E> {
    return Effect.async((resume) => {
      this.wake = () => {
        this.wake = undefined
        resume(this.exit ?? this.fork)
      }
      if (this.exit !== undefined || this.begun !== undefined) {
        this.wake()
      }
    })
  }

  private get fork(): Effect.Effect<A, E> {
    const begun = this.begun ?? []
    this.begun = undefined
    return Effect.zipRight(Effect.uninterruptible(Effect.forEach(begun, begin, { discard: true })), this.run)
  }

  /** Interrupts the effects that have not ended, and waits for them. */
  get close(): Effect.Effect<void> {
    const { running } = this
    return running === undefined ? Exit.void : Effect.suspend(() => Fiber.interruptAll(running))
  }
}

const begin = (task: Task): Effect.Effect<void> =>
  Effect.map(task.fork, (fiber) => {
    task.fiber = fiber
    if (task.isInterrupted) {
      task.interrupt()
    }
  })
