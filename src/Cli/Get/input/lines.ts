/**
 * Splits the bytes of a list into lines while they arrive. A line that is longer than 64 KiB is cut, and takes no more memory than
 * other lines. Each line is a string of its own: a slice of a longer string would keep the whole string in memory for as long as
 * its transfer takes.
 */
import { Encoding } from "./encoding.js"
import type { Line } from "./item.js"

const lineFeed = 0x0a

// Servers refuse far shorter URLs.
const lineAtMostBytes = 64 * 1024

export class Lines {
  private isEnded = false
  private left: Array<Uint8Array> = []
  /** The read offset into the first chunk of `left`. */
  private readBytes = 0
  /** The start of a line whose end has not been received. */
  private begun = ""
  /** How many bytes of that line were received. */
  private begunBytes = 0
  private number = 1
  private readonly encoding = new Encoding()
  // Removes a byte order mark at the start of each line.
  private readonly decoder = new TextDecoder()

  add(bytes: Iterable<Uint8Array>): void {
    for (const chunk of bytes) {
      this.left.push(this.encoding.convert(chunk))
    }
  }

  /** The last line needs no line feed. */
  end(): void {
    this.left.push(this.encoding.end(), Uint8Array.of(lineFeed))
    this.isEnded = true
  }

  /** The next line. Undefined if more bytes are needed, or if the list has ended. */
  next(): Line | undefined {
    for (let bytes = this.left[0]; bytes !== undefined; bytes = this.left[0]) {
      const end = bytes.indexOf(lineFeed, this.readBytes)
      this.read(bytes.subarray(this.readBytes, end < 0 ? bytes.length : end), end < 0)
      if (end >= 0) {
        this.readBytes = end + 1
        return this.line()
      }
      this.left.shift()
      this.readBytes = 0
    }
    return undefined
  }

  /** True if all lines were read. */
  get isOver(): boolean {
    return this.isEnded && this.left.length === 0
  }

  /** Adds a piece of a line, and drops bytes past the limit. */
  private read(bytes: Uint8Array, isBroken: boolean): void {
    const room = Math.max(0, lineAtMostBytes - this.begunBytes)
    this.begunBytes += bytes.length
    this.begun += this.decoder.decode(bytes.subarray(0, room), { stream: isBroken })
  }

  private line(): Line {
    const text = this.begun.endsWith("\r") ? this.begun.slice(0, -1) : this.begun
    const line = { number: this.number++, text, isCut: this.begunBytes > lineAtMostBytes }
    this.begun = ""
    this.begunBytes = 0
    return line
  }
}
