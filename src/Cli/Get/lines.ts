/**
 * The lines of a list, as its bytes come: trimmed, without comments and without those that are blank. A comment begins
 * with a # at the beginning of a line or after white space. A URL has no such space, and any other # is the URL's own.
 * A line that is longer than 64 KiB is left out, with its number, and takes no more memory than others.
 *
 * A few at a time, because what is taken in waits in memory until it is worked on; and each a text of its own, because a
 * piece of a longer text would keep all of that for as long as its transfer takes.
 */
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"

// Of one that is read whole, 64 KiB are a thousand lines, whose requests outlive their place among the young of V8.
const linesAtMost = 32

const lineFeed = 0x0a

// Servers refuse far shorter URLs.
const lineAtMostBytes = 64 * 1024

/** A line that cannot be a URL. */
export interface RefusedLine {
  /** Its place in the list, from 1. */
  readonly number: number
  readonly problem: string
}

export type Line = string | RefusedLine

/** The lines of a text in UTF-8. A last one needs no end; where the bytes fail, a line without an end is none. */
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
  /** How far the first of those is read. */
  private readBytes = 0
  /** The beginning of a line whose end has not come. */
  private begun = ""
  /** How many bytes of that line have come. */
  private begunBytes = 0
  private number = 1
  // Takes a byte order mark away at the beginning of each line.
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

  /** Takes a piece of a line in, as far as it has room. */
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
