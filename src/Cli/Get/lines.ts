/**
 * Splits a list into lines while its bytes arrive. Lines are trimmed; comments and blank lines are removed. A # at the start
 * of a line or after white space begins a comment. Any other # is part of the URL.
 * A line that is longer than 64 KiB becomes a `RefusedLine` with its number, and takes no more memory than other lines.
 *
 * The stream has a few lines in each chunk, because lines wait in memory until the run takes them. Each line is a string of its
 * own: a slice of a longer string would keep the whole string in memory for as long as its transfer takes.
 */
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"

// 64 KiB of a file are a thousand lines. V8 would move that many requests to its old generation.
const linesAtMost = 32

const lineFeed = 0x0a

// Servers refuse far shorter URLs.
const lineAtMostBytes = 64 * 1024

/** A line that is too long for a URL. */
export interface RefusedLine {
  /** Line number, from 1. */
  readonly number: number
  readonly problem: string
}

export type Line = string | RefusedLine

/** The lines of UTF-8 text. The last line needs no line feed. If the bytes fail, an unfinished line is dropped. */
export const fromBytes = <E, R>(bytes: Stream.Stream<Uint8Array, E, R>): Stream.Stream<Line, E, R> =>
  Stream.unwrapScoped(
    Effect.map(Stream.toPull(bytes), (pull) => {
      const lines = new Lines()
      const take: Effect.Effect<Chunk.Chunk<Line>, Option.Option<E>, R> = Effect.suspend(() => {
        const taken = lines.take()
        if (taken.length > 0) {
          return Effect.succeed(Chunk.unsafeFromArray(taken))
        }
        return lines.isEnded
          ? Effect.fail(Option.none())
          : Effect.zipRight(
              Effect.matchEffect(pull, {
                onSuccess: (more) => Effect.sync(() => lines.add(more)),
                onFailure: (end) => (Option.isSome(end) ? Effect.fail(end) : Effect.sync(() => lines.end()))
              }),
              take
            )
      })
      return Stream.repeatEffectChunkOption(take)
    })
  )

class Lines {
  isEnded = false
  private left: Array<Uint8Array> = []
  /** The read offset into the first chunk of `left`. */
  private readBytes = 0
  /** The start of a line whose end has not been received. */
  private begun = ""
  /** How many bytes of that line were received. */
  private begunBytes = 0
  private number = 1
  // Removes a byte order mark at the start of each line.
  private readonly decoder = new TextDecoder()

  add(bytes: Iterable<Uint8Array>): void {
    this.left.push(...bytes)
  }

  end(): void {
    this.left.push(Uint8Array.of(lineFeed))
    this.isEnded = true
  }

  take(): Array<Line> {
    const lines: Array<Line> = []
    for (let bytes = this.left[0]; bytes !== undefined && lines.length < linesAtMost; bytes = this.left[0]) {
      const end = bytes.indexOf(lineFeed, this.readBytes)
      this.read(bytes.subarray(this.readBytes, end < 0 ? bytes.length : end), end < 0)
      if (end < 0) {
        this.left.shift()
        this.readBytes = 0
        continue
      }
      const line = this.line()
      this.begun = ""
      this.begunBytes = 0
      this.number++
      this.readBytes = end + 1
      if (line !== "") {
        lines.push(line)
      }
    }
    return lines
  }

  /** Adds a piece of a line, and drops bytes past the limit. */
  private read(bytes: Uint8Array, isBroken: boolean): void {
    const room = Math.max(0, lineAtMostBytes - this.begunBytes)
    this.begunBytes += bytes.length
    this.begun += this.decoder.decode(bytes.subarray(0, room), { stream: isBroken })
  }

  private line(): Line {
    const at = this.begun.search(comment)
    return at < 0 && this.begunBytes > lineAtMostBytes
      ? { number: this.number, problem: `it is longer than ${lineAtMostBytes / 1024} KiB` }
      : (at < 0 ? this.begun : this.begun.slice(0, at)).trim()
  }
}

const comment = /(?:^|\s)#/
