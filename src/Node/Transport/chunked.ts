/**
 * Finds the content in a body that comes in chunks (RFC 9112 §7.1), byte by byte where it is not content, so that a body
 * is known to be malformed as soon as it is.
 *
 * Lines end with CR LF. Extensions are ignored, as a recipient must, and trailers are skipped, both within a bound and
 * only where they are written as the parser of undici wants them: what this says of a body, undici says too.
 *
 * @internal
 */
import { isText, isToken } from "./head.js"

/** What comes next in the bytes of a body: content, nothing yet, its end, or what no body has. */
export type Found = "content" | "more" | "ended" | "malformed"

/** For what is between two pieces of content, and for all trailers. */
const overheadAtMostBytes = 16 * 1024

// Of a size, without its leading zeros. Nobody will ever have received what 14 of them say, so that their sum need not be
// exact.
const digitsAtMost = 16

type State =
  | "size"
  | "digits"
  | "extension"
  | "name"
  | "value"
  | "quoted"
  | "escaped"
  | "unquoted"
  | "sizeEnd"
  | "content"
  | "contentEnd"
  | "contentLf"
  | "trailer"
  | "trailerName"
  | "trailerValue"
  | "trailerLf"
  | "last"

const tab = 9
const lf = 10
const cr = 13
const space = 32
const quote = 34
const colon = 58
const semicolon = 59
const equals = 61
const backslash = 92

export class Chunked {
  /** Where the content begins that was found. */
  startBytes = 0
  /** Where it ends, or the body does: from where to look on. */
  endBytes = 0
  /** Whether something followed the last chunk but the end. */
  hasTrailers = false
  private state: State = "size"
  private leftBytes = 0
  private digits = 0
  private overheadBytes = 0
  private trailer = ""

  /** Looks on, from `at`. */
  find(bytes: Uint8Array, at: number): Found {
    const end = bytes.length
    let next = at
    while (next < end) {
      if (this.state === "content") {
        this.startBytes = next
        this.endBytes = Math.min(end, next + this.leftBytes)
        this.leftBytes -= this.endBytes - next
        if (this.leftBytes === 0) {
          this.overheadBytes = 0
          this.state = "contentEnd"
        }
        return "content"
      }
      const state = this.after(bytes[next++] ?? 0)
      if (state === undefined || ++this.overheadBytes > overheadAtMostBytes) {
        return "malformed"
      }
      if (state === "ended") {
        this.endBytes = next
        return "ended"
      }
      this.state = state
    }
    return "more"
  }

  // What follows the present state with this byte; undefined: nothing does.
  private after(byte: number): State | "ended" | undefined {
    switch (this.state) {
      case "size":
        this.leftBytes = this.digits = 0
        return this.digit(byte)
      case "digits":
        return byte === cr ? "sizeEnd" : byte === semicolon ? "extension" : this.digit(byte)
      case "extension":
        return byte === cr ? undefined : named(byte)
      case "name":
        return named(byte)
      case "value":
        return byte === quote ? "quoted" : (closed(byte) ?? (isToken[byte] === 1 ? "value" : undefined))
      case "quoted":
        return byte === quote ? "unquoted" : byte === backslash ? "escaped" : isQuotable(byte) ? "quoted" : undefined
      case "escaped":
        return isQuotable(byte) ? "quoted" : undefined
      case "unquoted":
        return closed(byte)
      case "sizeEnd":
        return byte === lf ? (this.leftBytes === 0 ? "trailer" : "content") : undefined
      case "contentEnd":
        return byte === cr ? "contentLf" : undefined
      case "contentLf":
        return byte === lf ? "size" : undefined
      case "trailer":
        return this.begun(byte)
      case "trailerName":
        if (byte === colon) {
          // A length of what has come in chunks is a contradiction, wherever it stands.
          return this.trailer === "content-length" ? undefined : "trailerValue"
        }
        this.trailer += String.fromCharCode(byte).toLowerCase()
        return isToken[byte] === 1 ? "trailerName" : undefined
      case "trailerValue":
        return byte === cr ? "trailerLf" : isText[byte] === 1 ? "trailerValue" : undefined
      case "trailerLf":
        return byte === lf ? "trailer" : undefined
      case "last":
        return byte === lf ? "ended" : undefined
      case "content":
        return undefined
    }
  }

  private digit(byte: number): State | undefined {
    const digit = valueOf(byte)
    if (digit === -1) {
      return undefined
    }
    this.leftBytes = this.leftBytes * 16 + digit
    if (this.leftBytes > 0) {
      this.digits++
    }
    return this.digits <= digitsAtMost ? "digits" : undefined
  }

  private begun(byte: number): State | undefined {
    if (byte === cr) {
      return "last"
    }
    this.hasTrailers = true
    this.trailer = String.fromCharCode(byte).toLowerCase()
    return isToken[byte] === 1 ? "trailerName" : undefined
  }
}

const closed = (byte: number): State | undefined =>
  byte === cr ? "sizeEnd" : byte === semicolon ? "extension" : undefined

const named = (byte: number): State | undefined =>
  byte === equals ? "value" : (closed(byte) ?? (isToken[byte] === 1 ? "name" : undefined))

// As undici's parser: DEL among them.
const isQuotable = (byte: number): boolean => byte >= space || byte === tab

const valueOf = (byte: number): number => {
  if (byte >= 48 && byte <= 57) {
    return byte - 48
  }
  const letter = byte | 32
  return letter >= 97 && letter <= 102 ? letter - 87 : -1
}
