/**
 * The workers of a run that wait until another one may run.
 *
 * @internal
 */
import * as Effect from "effect/Effect"

export class IdleWorkers {
  private readonly waiting: Array<() => void> = []

  get count(): number {
    return this.waiting.length
  }

  /** Waits until the worker is woken. Until then, it is counted. */
  readonly wait: Effect.Effect<void> = Effect.async((resume) => {
    const wake = (): void => resume(Effect.void)
    this.waiting.push(wake)
    return Effect.sync(() => {
      const index = this.waiting.indexOf(wake)
      if (index >= 0) {
        this.waiting.splice(index, 1)
      }
    })
  })

  /** Continues the worker that has waited for the shortest time. Returns false if none waits. */
  wakeOne(): boolean {
    const wake = this.waiting.pop()
    wake?.()
    return wake !== undefined
  }
}
