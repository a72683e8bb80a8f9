/**
 * Parses the head of a response (RFC 9112 §4, §5). It accepts every head that the RFC allows, and refuses ambiguous heads.
 *
 * It accepts lines that end with CR LF or LF, optional blanks around values, folded lines, HTTP/1.0 and later versions 1.x,
 * any status from 100 on, and a `Content-Length` that is repeated with the same value. It refuses different lengths,
 * ranges or entity tags, a length beside `Transfer-Encoding`, any transfer coding but one `chunked`, a folded line in these fields, CR without LF,
 * control characters, empty elements in the lists of lengths and codings, and empty lines before the status line.
 *
 * @internal
 */
import { unreadable } from "../../failure.js"

export interface Head {
  readonly status: number
  readonly headers: Readonly<Record<string, string | undefined>>
  /** How the body ends: after its length, after its last chunk, or with its connection. `interim`: a 1xx, which another head follows. */
  readonly framing: "length" | "chunked" | "connection" | "interim"
  /** 0 if `framing` is not `"length"`, and for a 204 and a 304, which have no body. */
  readonly lengthBytes: number
  /** The end of the head, where the body starts. */
  readonly endBytes: number
  /** Maximum time for which the idle connection may be kept. 0: it must be closed. Undefined: the server gives no time. */
  readonly keepAliveMillis: number | undefined
}

/** The head of a response to `HEAD`, whose fields are those of the response to `GET`, but which has no body (RFC 9110 §9.3.2). */
export const withoutBody = (head: Head): Head => ({ ...head, framing: "length", lengthBytes: 0 })

/** The limit for all heads of one response, informational ones included. */
export const headAtMostBytes: number = 256 * 1024

const version = "HTTP/1."
const statusAt = 9
const reasonAt = 12
const cr = 13
const lf = 10
const space = 32
const tab = 9
const colon = 58

// RFC 9110 §5.6.2
export const isToken: Uint8Array = new Uint8Array(256)
for (const char of "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") {
  isToken[char.charCodeAt(0)] = 1
}

// Field values and reason phrases: HTAB, SP, VCHAR and obs-text (RFC 9110 §5.5).
export const isText: Uint8Array = new Uint8Array(256).fill(1, 32).fill(0, 127, 128)
isText[tab] = 1

// Fields with a single value. If a field is repeated, the first value counts, because the joined values would have no meaning.
const singletons: ReadonlySet<string> = new Set([
  "age",
  "content-disposition",
  "content-location",
  "content-range",
  "content-type",
  "date",
  "etag",
  "expires",
  "last-modified",
  "location",
  "retry-after",
  "server"
])

const tooLong = unreadable("its head is longer than 256 KiB")
const noStatusLine = unreadable("it does not begin with a status line of HTTP/1")
const noStatus = unreadable("its status is no number from 100 on")
const strayCr = unreadable("a CR without LF in its head")
const control = unreadable("a control character in its head")
const noField = unreadable("a line of its head is no field")
const badLength = unreadable("its Content-Length is no number")
const twoLengths = unreadable("it has two different Content-Lengths")
const twoValues = unreadable("it has two different Content-Range or ETag fields")
const lengthAndCoding = unreadable("it has a Content-Length and a Transfer-Encoding")
const badCoding = unreadable("its Transfer-Encoding is not chunked alone")
const upgraded = unreadable("it switches to a protocol that was not requested")
const interimBody = unreadable("an informational response announces a body")

/** True if the head that starts at `at` is of HTTP/1.1. */
export const isHttp11 = (bytes: Buffer, at: number): boolean => bytes[at + 7] === 49

/**
 * Parses `bytes` up to `endBytes`. Returns `"incomplete"` if the bytes can be the beginning of a head, and an error if they cannot,
 * whatever follows.
 */
export const parse = (
  bytes: Buffer,
  endBytes: number,
  atMostBytes: number = headAtMostBytes
): Head | "incomplete" | Error => {
  // Usually the end of the head. A head whose lines end with LF alone ends before it.
  const found = bytes.indexOf("\r\n\r\n", 0, "latin1")
  const lookedAtBytes = found !== -1 && found + 4 <= endBytes ? found + 4 : endBytes
  const text = bytes.toString("latin1", 0, Math.min(lookedAtBytes, atMostBytes))
  const head = read(text)
  return head === "incomplete" && lookedAtBytes >= atMostBytes ? tooLong : head
}

const read = (text: string): Head | "incomplete" | Error => {
  const size = text.length
  if (!text.startsWith(version) || size <= reasonAt) {
    return begun(text)
  }
  const isOld = text.charCodeAt(7) === 48
  const status = statusOf(text)
  if (status === undefined) {
    return begun(text)
  }
  let at = afterLine(text, text.charCodeAt(reasonAt) === space ? endOfText(text, reasonAt) : reasonAt)
  if (at < 0) {
    return at === unfinished ? "incomplete" : at === lone ? strayCr : control
  }
  const headers: Record<string, string | undefined> = {}
  let lengthBytes: number | undefined
  let isChunked = false
  let isToClose = false
  let isToKeep = !isOld
  while (at < size) {
    const first = text.charCodeAt(at)
    if (first === cr || first === lf) {
      const bodyAt = afterLine(text, at)
      if (bodyAt < 0) {
        return bodyAt === unfinished ? "incomplete" : strayCr
      }
      const keepAliveMillis = isToClose || !isToKeep ? 0 : keepAlive(headers["keep-alive"])
      return framed(status, headers, lengthBytes, isChunked, isOld, bodyAt, keepAliveMillis)
    }
    const nameAt = at
    while (isToken[text.charCodeAt(at)] === 1) {
      at++
    }
    if (at === size) {
      break
    }
    if (text.charCodeAt(at) !== colon || at === nameAt) {
      return noField
    }
    const name = text.slice(nameAt, at).toLowerCase()
    at++
    let value = ""
    let isFolded = false
    for (;;) {
      while (isBlank(text.charCodeAt(at))) {
        at++
      }
      const valueAt = at
      at = endOfText(text, at)
      let valueEnd = at
      while (valueEnd > valueAt && isBlank(text.charCodeAt(valueEnd - 1))) {
        valueEnd--
      }
      if (!isFolded) {
        value = text.slice(valueAt, valueEnd)
      } else if (valueEnd > valueAt) {
        // Folded lines are joined with a space, as a user agent must do (RFC 9112 §5.2).
        value = value === "" ? text.slice(valueAt, valueEnd) : `${value} ${text.slice(valueAt, valueEnd)}`
      }
      at = afterLine(text, at)
      if (at < 0) {
        return at === unfinished ? "incomplete" : at === lone ? strayCr : control
      }
      if (!isBlank(text.charCodeAt(at))) {
        break
      }
      isFolded = true
    }
    if (at === size) {
      // The next line may continue this one.
      break
    }
    const before = headers[name]
    // An inherited property of the object, such as `constructor`, is not a repeated field.
    const isRepeated = typeof before === "string"
    if (name === "content-length") {
      const bytes = isFolded ? undefined : lengthOf(value)
      if (bytes === undefined) {
        return badLength
      }
      if (lengthBytes !== undefined && lengthBytes !== bytes) {
        return twoLengths
      }
      lengthBytes = bytes
      headers[name] ??= value.length < 16 && !value.includes(",") ? value : `${bytes}`
      continue
    }
    if (name === "transfer-encoding") {
      if (isRepeated || isFolded || value.toLowerCase() !== "chunked") {
        return badCoding
      }
      isChunked = true
    } else if (name === "connection") {
      const options = value.toLowerCase()
      isToClose ||= hasOption(options, "close")
      isToKeep ||= hasOption(options, "keep-alive")
    }
    if (!isRepeated) {
      headers[name] = value
    } else if (before !== value && (name === "content-range" || name === "etag")) {
      return twoValues
    } else if (!singletons.has(name)) {
      headers[name] = `${before}${name === "set-cookie" ? "\n" : ", "}${value}`
    }
  }
  return "incomplete"
}

/** The head with the framing of its body (RFC 9112 §6.3). */
const framed = (
  status: number,
  headers: Head["headers"],
  lengthBytes: number | undefined,
  isChunked: boolean,
  isOld: boolean,
  endBytes: number,
  keepAliveMillis: number | undefined
): Head | Error => {
  if (isChunked && lengthBytes !== undefined) {
    return lengthAndCoding
  }
  if (isChunked && isOld) {
    return badCoding
  }
  if (status < 200) {
    if (status === 101) {
      return upgraded
    }
    return isChunked || (lengthBytes ?? 0) > 0
      ? interimBody
      : { status, headers, framing: "interim", lengthBytes: 0, endBytes, keepAliveMillis: 0 }
  }
  if (status === 204 || status === 304) {
    // A server may send a body after a 204 that announces one, so the connection is not reused.
    const isBodyAnnounced = status === 204 && (isChunked || (lengthBytes ?? 0) > 0)
    return {
      status,
      headers,
      framing: "length",
      lengthBytes: 0,
      endBytes,
      keepAliveMillis: isBodyAnnounced ? 0 : keepAliveMillis
    }
  }
  if (lengthBytes !== undefined) {
    return { status, headers, framing: "length", lengthBytes, endBytes, keepAliveMillis }
  }
  return isChunked
    ? { status, headers, framing: "chunked", lengthBytes: 0, endBytes, keepAliveMillis }
    : { status, headers, framing: "connection", lengthBytes: 0, endBytes, keepAliveMillis: 0 }
}

// `incomplete` if the text can be the beginning of a status line.
const begun = (text: string): "incomplete" | Error => {
  if (!text.startsWith(version)) {
    return version.startsWith(text) ? "incomplete" : noStatusLine
  }
  if ((text.length > 7 && !isDigit(text.charCodeAt(7))) || (text.length > 8 && text.charCodeAt(8) !== space)) {
    return noStatusLine
  }
  for (let at = statusAt; at < Math.min(text.length, reasonAt); at++) {
    if (!isDigit(text.charCodeAt(at)) || (at === statusAt && text.charCodeAt(at) === 48)) {
      return noStatus
    }
  }
  return text.length <= reasonAt ? "incomplete" : noStatus
}

const statusOf = (text: string): number | undefined => {
  const hundreds = text.charCodeAt(statusAt)
  const tens = text.charCodeAt(statusAt + 1)
  const ones = text.charCodeAt(statusAt + 2)
  const isVersion = isDigit(text.charCodeAt(7)) && text.charCodeAt(8) === space
  return isVersion && isDigit(hundreds) && hundreds !== 48 && isDigit(tens) && isDigit(ones)
    ? hundreds * 100 + tens * 10 + ones - 48 * 111
    : undefined
}

const unfinished = -1
const lone = -2
const none = -3

/** The position of the next line, if a line ends here. */
const afterLine = (text: string, at: number): number => {
  const code = text.charCodeAt(at)
  if (code === lf) {
    return at + 1
  }
  if (code === cr) {
    return at + 1 === text.length ? unfinished : text.charCodeAt(at + 1) === lf ? at + 2 : lone
  }
  return at === text.length ? unfinished : none
}

const endOfText = (text: string, from: number): number => {
  let at = from
  while (isText[text.charCodeAt(at)] === 1) {
    at++
  }
  return at
}

const isBlank = (code: number): boolean => code === space || code === tab

const isDigit = (code: number): boolean => code >= 48 && code <= 57

/** A length, or the same one several times (RFC 9110 §8.6). */
const lengthOf = (value: string): number | undefined => {
  const bytes = digits(value)
  if (bytes !== undefined || !value.includes(",")) {
    return bytes
  }
  const all = value.split(",").map((one) => digits(one.trim()))
  return all.every((one) => one === all[0]) ? all[0] : undefined
}

const digits = (text: string): number | undefined => {
  let value = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (!isDigit(code)) {
      return undefined
    }
    value = value * 10 + code - 48
    if (value > Number.MAX_SAFE_INTEGER) {
      return undefined
    }
  }
  return text.length === 0 ? undefined : value
}

const hasOption = (options: string, option: string): boolean =>
  options === option || (options.includes(option) && options.split(",").some((one) => one.trim() === option))

// One second less than the server's time. The server counts from its last byte, and no request should be sent just as it closes
// the connection.
const keepAlive = (value: string | undefined): number | undefined => {
  const seconds = value === undefined ? undefined : /timeout=(\d{1,9})/i.exec(value)?.[1]
  return seconds === undefined ? undefined : Math.max(0, Number(seconds) - 1) * 1000
}
