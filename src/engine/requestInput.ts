/**
 * The requests of a run, pulled from its input in chunks when its workers have taken the earlier ones.
 *
 * A request is taken in the step that looks for it, so no interruption can lose it.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { DownloadRequest } from "../Download.js"

export class RequestInput<E> {
  /** True if the input has ended or failed. */
  isEnded = false
  /** The failure of the input. */
  failure: Cause.Cause<E> = Cause.empty
  // Pulled requests, in the order of the input. Those before `next` were taken.
  private pulled: ReadonlyArray<DownloadRequest> = []
  private next = 0
  private isPulling = false
  private isStopped = false
  private readonly demand = Effect.unsafeMakeLatch()
  private readonly waiting: Array<() => void> = []

  /** The next request; undefined if none was pulled. */
  take(): DownloadRequest | undefined {
    const request = this.pulled[this.next]
    if (request !== undefined) {
      this.next++
    }
    return request
  }

  /** The requests that were pulled and not taken. */
  get untaken(): ReadonlyArray<DownloadRequest> {
    return this.pulled.slice(this.next)
  }

  /** Waits until more requests were pulled, or the input has ended. */
  readonly awaitMore: Effect.Effect<void> = Effect.suspend(() => {
    if (this.next < this.pulled.length || this.isEnded) {
      return Effect.void
    }
    this.isPulling = true
    this.demand.unsafeOpen()
    return this.awaitPulled
  })

  // The check and the wait are one synchronous step, so no call can be lost between them.
  private readonly awaitPulled = Effect.async<void>((resume) => {
    if (this.isPulling && !this.isStopped) {
      this.waiting.push(() => resume(Effect.void))
    } else {
      resume(Effect.void)
    }
  })

  /** Continues a worker that waits, so that it pulls in place of a worker that has ended. */
  wakeOne(): void {
    this.waiting.shift()?.()
  }

  /** No worker waits for requests from now on, and no further ones are pulled. */
  stop(): void {
    this.isStopped = true
    this.demand.unsafeOpen()
    this.wake(this.waiting.length)
  }

  /**
   * Pulls when a worker waits for requests. Run it on its own fiber: a fiber that the input forks is a child of that fiber, and
   * must not end with a worker.
   */
  pullWith<R>(pull: Effect.Effect<Chunk.Chunk<DownloadRequest>, Option.Option<E>, R>): Effect.Effect<void, never, R> {
    return Effect.uninterruptibleMask((restore) => {
      const pulled: Effect.Effect<void, never, R> = Effect.suspend(() =>
        Effect.matchCauseEffect(restore(pull), {
          // The failure is delivered after the transfers in flight.
          onFailure: (cause) =>
            Effect.sync(() => {
              this.isEnded = true
              this.failure = Cause.flatMap(cause, Option.match({ onNone: () => Cause.empty, onSome: Cause.fail }))
              this.put([])
            }),
          onSuccess: (chunk) =>
            Effect.suspend(() => {
              this.put(Chunk.toReadonlyArray(chunk))
              return next
            })
        })
      )
      // A pull that was under way when the input was stopped has closed the latch.
      const next: Effect.Effect<void, never, R> = Effect.suspend(() =>
        this.isStopped
          ? Effect.void
          : Effect.flatMap(restore(this.demand.await), () => (this.isStopped ? Effect.void : pulled))
      )
      return next
    })
  }

  private put(requests: ReadonlyArray<DownloadRequest>): void {
    this.isPulling = false
    this.demand.unsafeClose()
    this.pulled = requests
    this.next = 0
    // One worker for each request, and one that pulls what follows.
    this.wake(this.isEnded ? this.waiting.length : requests.length + 1)
  }

  private wake(count: number): void {
    for (const wake of this.waiting.splice(0, count)) {
      wake()
    }
  }
}
