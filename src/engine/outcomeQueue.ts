/**
 * What several loops hand to the one consumer of a run: as many at a time as there are, and no more than the consumer can
 * follow.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"

export class Outcomes<A, E> {
  private ready: Array<A> = []
  private end: Cause.Cause<E> | undefined
  // Called again where nobody waits any more, a callback does nothing.
  private wakeConsumer: (() => void) | undefined
  private wakeTeller: (() => void) | undefined
  private wakeLoops: Array<() => void> = []

  constructor(private capacity: number) {}

  /** Takes it in any case; whether another one may come at once, or only after `room`. */
  push(outcome: A): boolean {
    this.ready.push(outcome)
    this.wake()
    return this.ready.length < this.capacity
  }

  /** What is told after all that was pushed. The first end counts. */
  close(cause: Cause.Cause<E>): void {
    this.end ??= cause
    this.wake()
  }

  /** Nobody takes any more, and nobody is to wait for that. */
  abandon(): void {
    this.capacity = Number.POSITIVE_INFINITY
    for (const wake of this.wakeLoops.splice(0)) {
      wake()
    }
  }

  readonly room: Effect.Effect<void> = Effect.async((resume) => {
    if (this.ready.length < this.capacity) {
      resume(Effect.void)
    } else {
      this.wakeLoops.push(() => resume(Effect.void))
    }
  })

  readonly stream: Stream.Stream<A, E> = Stream.suspend(() => Stream.repeatEffectChunkOption(this.take))

  private readonly take: Effect.Effect<Chunk.Chunk<A>, Option.Option<E>> = Effect.suspend(() => {
    if (this.ready.length > 0) {
      const taken = this.ready
      this.ready = []
      const loops = this.wakeLoops
      this.wakeLoops = []
      for (const wake of loops) {
        wake()
      }
      return Effect.succeed(Chunk.unsafeFromArray(taken))
    }
    if (this.end === undefined) {
      return Effect.zipRight(this.somethingToTake, this.take)
    }
    return Cause.isEmpty(this.end) ? Effect.fail(Option.none()) : Effect.failCause(Cause.map(this.end, Option.some))
  })

  // Looks once more: between two steps a fiber can be pre-empted, and what came in that moment has woken nobody.
  private readonly somethingToTake: Effect.Effect<void> = Effect.async((resume) => {
    if (this.ready.length > 0 || this.end !== undefined) {
      resume(Effect.void)
    } else {
      this.wakeConsumer = () => resume(Effect.void)
    }
  })

  /**
   * To be forked beside the loops. Waking a consumer costs as much as half a small transfer, so that it is told of what came
   * within one turn of the clock at once; and in the same moment where it is what others wait for.
   */
  readonly teller: Effect.Effect<never> = Effect.suspend(() =>
    Effect.zipRight(
      Effect.zipRight(this.somethingToTell, Effect.sleep(0)),
      Effect.suspend(() => {
        this.tell()
        return this.teller
      })
    )
  )

  private readonly somethingToTell: Effect.Effect<void> = Effect.async((resume) => {
    if (this.ready.length > 0 && this.wakeConsumer !== undefined) {
      resume(Effect.void)
    } else {
      this.wakeTeller = () => resume(Effect.void)
    }
  })

  private wake(): void {
    if (this.end !== undefined || this.ready.length >= this.capacity) {
      this.tell()
    } else {
      const wake = this.wakeTeller
      this.wakeTeller = undefined
      wake?.()
    }
  }

  private tell(): void {
    const wake = this.wakeConsumer
    this.wakeConsumer = undefined
    wake?.()
  }
}
