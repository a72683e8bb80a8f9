/**
 * Counts the items of a list of URLs by its lines, in a twentieth of the time that reading them takes.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { detect } from "./detect.js"
import { isItem } from "./formats/uriList.js"

const lineFeed = 0x0a
const space = 0x20
const hash = 0x23
const lastAscii = 0x7e
// A longer line is no URL. Without a limit, a list without a line feed would be copied with each chunk.
const longestLine = 64 * 1024

/** Returns undefined if the list has another format, an encoding with null bytes, or a line of more than 64 KiB. */
export const countUrls = <E, R>(bytes: Stream.Stream<Uint8Array, E, R>): Effect.Effect<number | undefined, E, R> =>
  Effect.suspend(() => {
    const count = new LineCount()
    return Effect.map(
      Stream.runForEachWhile(bytes, (chunk) => Effect.sync(() => count.add(chunk))),
      () => count.end()
    )
  })

class LineCount {
  private readonly decoder = new TextDecoder()
  private isUrls: boolean | undefined
  private items = 0
  /** The beginning of a line. */
  private begun: Uint8Array = new Uint8Array()

  /** Returns false if the list is no list of URLs. */
  add(chunk: Uint8Array): boolean {
    const bytes = this.begun.length === 0 ? chunk : joined(this.begun, chunk)
    let start = 0
    for (let end = bytes.indexOf(lineFeed); end >= 0 && this.isUrls !== false; end = bytes.indexOf(lineFeed, start)) {
      this.line(bytes, start, end)
      start = end + 1
    }
    // A copy, because the reader may use the memory of the chunk again.
    this.begun = bytes.slice(start)
    if (this.begun.length > longestLine) {
      this.isUrls = false
    }
    return this.isUrls !== false
  }

  end(): number | undefined {
    this.line(this.begun, 0, this.begun.length)
    return this.isUrls === true ? this.items : undefined
  }

  private line(bytes: Uint8Array, start: number, end: number): void {
    const first = bytes[start] ?? lineFeed
    if (this.isUrls === true && first > space && first <= lastAscii && first !== hash) {
      this.items++
      return
    }
    const text = this.decoder.decode(bytes.subarray(start, end))
    if (this.isUrls !== undefined) {
      this.items += isItem(text) ? 1 : 0
      return
    }
    const detected = detect(text)
    if (detected !== undefined) {
      this.isUrls = detected._tag === "Urls" && !text.includes("\0")
      this.items += detected._tag === "Urls" && detected.isHeading ? 0 : 1
    }
  }
}

const joined = (one: Uint8Array, other: Uint8Array): Uint8Array => {
  const all = new Uint8Array(one.length + other.length)
  all.set(one)
  all.set(other, one.length)
  return all
}
