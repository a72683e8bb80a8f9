/**
 * The queue between a transfer and the reader of its content.
 *
 * The transfer adds chunks until the reader is some way behind. Then its writes wait, which pauses the body.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Stream from "effect/Stream"
import { PullQueue } from "../internal/pullQueue.js"
import type { Sink } from "./sequential.js"

/** A write waits if the reader has not taken this number of bytes yet. */
const fullBytes = 256 * 1024

export class ContentQueue<E> implements Sink {
  takenBytes = 0
  private queuedBytes = 0
  private wakeWriter: (() => void) | undefined
  private readonly queue = new PullQueue<Uint8Array, E>(() => {
    this.queuedBytes = 0
    this.wakeWriter?.()
  })

  write(chunk: Uint8Array): Effect.Effect<void> {
    if (this.queuedBytes < fullBytes) {
      this.add(chunk)
      return Exit.void
    }
    return Effect.async((resume) => {
      this.wakeWriter = () => {
        this.wakeWriter = undefined
        this.add(chunk)
        resume(Exit.void)
      }
      if (this.queuedBytes < fullBytes) {
        this.wakeWriter()
      }
      return Effect.sync(() => {
        this.wakeWriter = undefined
      })
    })
  }

  /** The transfer ends the content by its outcome. */
  readonly end: Effect.Effect<void> = Exit.void

  /** Ends the content after the queued chunks. The first call counts. */
  finish(exit: Exit.Exit<unknown, E>): void {
    this.queue.end(exit)
  }

  /** The content. It can be read once. */
  get stream(): Stream.Stream<Uint8Array, E> {
    return this.queue.stream
  }

  private add(chunk: Uint8Array): void {
    this.queuedBytes += chunk.length
    this.takenBytes += chunk.length
    // The transport uses the memory of the chunk again.
    this.queue.add(new Uint8Array(chunk))
  }
}
