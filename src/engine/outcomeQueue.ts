/**
 * The outcomes of a run, from its workers to its consumer.
 *
 * Waking a consumer costs as much as half of a small transfer. So the consumer gets all outcomes of one turn of the event loop
 * at once, and gets them earlier if the queue is full or the run has ended.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"

export class OutcomeQueue<A, E> {
  private ready: Array<A> = []
  private end: Cause.Cause<E> | undefined
  /** Open if the consumer may take. */
  private readonly available = Effect.unsafeMakeLatch()
  /** Open if outcomes wait for the next turn. */
  private readonly pending = Effect.unsafeMakeLatch()
  private readonly room = Effect.unsafeMakeLatch(true)

  constructor(private capacity: number) {}

  /** Adds an outcome, also if the queue is full. False if the worker must wait for `awaitRoom` before it adds another. */
  push(outcome: A): boolean {
    this.ready.push(outcome)
    if (this.ready.length < this.capacity) {
      this.pending.unsafeOpen()
      return true
    }
    this.room.unsafeClose()
    this.available.unsafeOpen()
    return false
  }

  /** Ends the stream after all outcomes that were pushed. Only the first call has an effect. */
  close(cause: Cause.Cause<E>): void {
    this.end ??= cause
    this.available.unsafeOpen()
    this.pending.unsafeOpen()
  }

  /** The consumer takes no more outcomes. No worker waits for room from now on. */
  abandon(): void {
    this.capacity = Number.POSITIVE_INFINITY
    this.room.unsafeOpen()
  }

  get awaitRoom(): Effect.Effect<void> {
    return this.room.await
  }

  readonly stream: Stream.Stream<A, E> = Stream.suspend(() => Stream.repeatEffectChunkOption(this.take))

  private readonly take: Effect.Effect<Chunk.Chunk<A>, Option.Option<E>> = Effect.suspend(() => {
    if (this.ready.length > 0) {
      const taken = this.ready
      this.ready = []
      this.room.unsafeOpen()
      return Effect.succeed(Chunk.unsafeFromArray(taken))
    }
    if (this.end === undefined) {
      this.available.unsafeClose()
      return Effect.zipRight(this.available.await, this.take)
    }
    return Cause.isEmpty(this.end) ? Effect.fail(Option.none()) : Effect.failCause(Cause.map(this.end, Option.some))
  })

  /** Wakes the consumer one turn after an outcome was pushed, until the queue is closed. Run it on its own fiber. */
  readonly wakeConsumer: Effect.Effect<void> = Effect.suspend(() =>
    this.end === undefined
      ? Effect.zipRight(
          Effect.zipRight(
            this.pending.await,
            Effect.suspend(() => (this.end === undefined ? Effect.sleep(0) : Effect.void))
          ),
          Effect.suspend(() => {
            this.pending.unsafeClose()
            if (this.ready.length > 0) {
              this.available.unsafeOpen()
            }
            return this.wakeConsumer
          })
        )
      : Effect.void
  )
}
