/**
 * Lets one fiber wait for what callbacks bring.
 *
 * @internal
 */
import * as Effect from "effect/Effect"

export class Waiter {
  private look: (() => void) | undefined

  /** Call it after each change. */
  wake(): void {
    this.look?.()
  }

  /** Suspends until `take` gives an effect, and runs it. `take` is called again after each change. */
  until<A, E>(take: () => Effect.Effect<A, E> | undefined): Effect.Effect<A, E> {
    return Effect.async((resume) => {
      const look = (): void => {
        const taken = take()
        if (taken !== undefined) {
          this.look = undefined
          resume(taken)
        }
      }
      this.look = look
      look()
      return Effect.sync(() => {
        this.look = undefined
      })
    })
  }
}
