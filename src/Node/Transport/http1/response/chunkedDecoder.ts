/**
 * Finds the content in a chunked body (RFC 9112 §7.1). It parses the bytes between the content one by one, so it detects a malformed
 * body at its first wrong byte.
 *
 * Lines end with CR LF. Extensions are ignored, as RFC 9112 requires, and trailers are skipped, both up to a limit. Blanks are
 * allowed around extensions and after a size, and trailers may be folded. A trailer with a framing field is an error.
 *
 * @internal
 */
import { isText, isToken } from "./responseHead.js"

/** The next part of a body: content, nothing until more bytes are received, the end, or a malformed part. */
export type Found = "content" | "more" | "ended" | "malformed"

/** Maximum number of bytes between two pieces of content, and of all trailers together. */
const overheadAtMostBytes = 16 * 1024

// Maximum number of digits of a size, without leading zeros. A size of more than 13 digits is not an exact number, but a body is never
// that long.
const digitsAtMost = 16

type State =
  | "size"
  | "digits"
  | "sizeBlank"
  | "extension"
  | "name"
  | "nameBlank"
  | "valueBlank"
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
  /** The start of the content that was found. */
  startBytes = 0
  /** The end of the content, or of the body. The next call starts here. */
  endBytes = 0
  /** True if trailers follow the last chunk. */
  hasTrailers = false
  private state: State = "size"
  private leftBytes = 0
  private digits = 0
  private overheadBytes = 0
  private trailer = ""

  /** Finds the next part of the body, from `at` on. */
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

  // The next state after this byte. Undefined: the body is malformed.
  private after(byte: number): State | "ended" | undefined {
    switch (this.state) {
      case "size":
        this.leftBytes = this.digits = 0
        return this.digit(byte)
      case "digits":
        return afterSize(byte) ?? this.digit(byte)
      case "sizeBlank":
        return afterSize(byte)
      case "extension":
        return isBlank(byte) ? "extension" : isToken[byte] === 1 ? "name" : undefined
      case "name":
        return isToken[byte] === 1 ? "name" : afterName(byte)
      case "nameBlank":
        return afterName(byte)
      case "valueBlank":
        return isBlank(byte) ? "valueBlank" : byte === quote ? "quoted" : this.value(byte)
      case "value":
        return this.value(byte)
      case "quoted":
        return byte === quote ? "unquoted" : byte === backslash ? "escaped" : isQuotable(byte) ? "quoted" : undefined
      case "escaped":
        return isQuotable(byte) ? "quoted" : undefined
      case "unquoted":
        return afterSize(byte)
      case "sizeEnd":
        return byte === lf ? (this.leftBytes === 0 ? "trailer" : "content") : undefined
      case "contentEnd":
        return byte === cr ? "contentLf" : undefined
      case "contentLf":
        return byte === lf ? "size" : undefined
      case "trailer":
        return this.trailerStart(byte)
      case "trailerName":
        if (byte === colon) {
          return framing.has(this.trailer) ? undefined : "trailerValue"
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

  private value(byte: number): State | undefined {
    return afterSize(byte) ?? (isToken[byte] === 1 ? "value" : undefined)
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

  private trailerStart(byte: number): State | undefined {
    if (byte === cr) {
      return "last"
    }
    if (isBlank(byte) && this.hasTrailers) {
      return "trailerValue"
    }
    this.hasTrailers = true
    this.trailer = String.fromCharCode(byte).toLowerCase()
    return isToken[byte] === 1 ? "trailerName" : undefined
  }
}

// A chunked body with a length is an error, also if the length is in a trailer.
const framing: ReadonlySet<string> = new Set(["content-length", "transfer-encoding"])

/** After a size, or after an extension. */
const afterSize = (byte: number): State | undefined =>
  byte === cr ? "sizeEnd" : byte === semicolon ? "extension" : isBlank(byte) ? "sizeBlank" : undefined

/** After the name of an extension. */
const afterName = (byte: number): State | undefined =>
  byte === equals ? "valueBlank" : isBlank(byte) ? "nameBlank" : afterSize(byte)

const isQuotable = (byte: number): boolean => isText[byte] === 1

const isBlank = (byte: number): boolean => byte === space || byte === tab

const valueOf = (byte: number): number => {
  if (byte >= 48 && byte <= 57) {
    return byte - 48
  }
  const letter = byte | 32
  return letter >= 97 && letter <= 102 ? letter - 87 : -1
}
