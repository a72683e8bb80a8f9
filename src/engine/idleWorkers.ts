/**
 * The workers of a run that wait until another one may run.
 *
 * @internal
 */
import * as Effect from "effect/Effect"

/** A worker that waits. */
interface Place {
  isWoken: boolean
  resume: (() => void) | undefined
}

export class IdleWorkers {
  private readonly places: Array<Place> = []

  get count(): number {
    return this.places.length
  }

  /** Counts the worker from now on. The effect waits until the worker is woken. */
  leave(): Effect.Effect<void> {
    const place: Place = { isWoken: false, resume: undefined }
    this.places.push(place)
    const woken = Effect.async<void>((resume) => {
      if (place.isWoken) {
        resume(Effect.void)
      } else {
        place.resume = () => resume(Effect.void)
      }
    })
    return Effect.onInterrupt(woken, () => Effect.sync(() => this.remove(place)))
  }

  /** Continues the worker that has waited for the shortest time. Returns false if none waits. */
  wakeOne(): boolean {
    const place = this.places.pop()
    if (place === undefined) {
      return false
    }
    place.isWoken = true
    place.resume?.()
    return true
  }

  private remove(place: Place): void {
    const index = this.places.indexOf(place)
    if (index >= 0) {
      this.places.splice(index, 1)
    }
  }
}
