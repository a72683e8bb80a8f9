/**
 * The queue between a transfer and the reader of its content.
 *
 * The transfer adds chunks until the reader is some way behind. Then its writes wait, which pauses the body.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { Sink } from "./sequential.js"

/** A write waits if the reader has not taken this number of bytes yet. */
const fullBytes = 256 * 1024

export class ContentQueue<E> implements Sink {
  takenBytes = 0
  private chunks: Array<Uint8Array> = []
  private queuedBytes = 0
  private exit: Exit.Exit<void, E> | undefined
  private wakeReader: (() => void) | undefined
  private wakeWriter: (() => void) | undefined

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
  finish(exit: Exit.Exit<void, E>): void {
    this.exit ??= exit
    this.wakeReader?.()
  }

  /** The content. It can be read once. */
  get stream(): Stream.Stream<Uint8Array, E> {
    return Stream.repeatEffectChunkOption(Effect.suspend(() => this.take()))
  }

  private take(): Effect.Effect<Chunk.Chunk<Uint8Array>, Option.Option<E>> {
    if (this.chunks.length > 0) {
      const chunks = Chunk.unsafeFromArray(this.chunks)
      this.chunks = []
      this.queuedBytes = 0
      this.wakeWriter?.()
      return Exit.succeed(chunks)
    }
    if (this.exit !== undefined) {
      return Exit.isSuccess(this.exit)
        ? Exit.fail(Option.none())
        : Exit.failCause(Cause.map(this.exit.cause, Option.some))
    }
    return Effect.zipRight(
      Effect.async<void>((resume) => {
        this.wakeReader = () => {
          this.wakeReader = undefined
          resume(Exit.void)
        }
        return Effect.sync(() => {
          this.wakeReader = undefined
        })
      }),
      Effect.suspend(() => this.take())
    )
  }

  private add(chunk: Uint8Array): void {
    // The transport uses the memory of the chunk again.
    this.chunks.push(new Uint8Array(chunk))
    this.queuedBytes += chunk.length
    this.takenBytes += chunk.length
    this.wakeReader?.()
  }
}
