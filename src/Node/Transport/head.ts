/**
 * Reads the head of a response, or says that it is not one of the few kinds that the fast lane understands completely.
 *
 * It never has to be a parser of HTTP: what it is not sure of is for somebody else. It takes lines that end with CR LF,
 * names that are tokens, values without control characters, and a body that is announced in one way: by one
 * `Content-Length`, by `Transfer-Encoding: chunked`, or by neither, so that it ends with its connection. A 1xx has none.
 *
 * @internal
 */

export interface Head {
  readonly status: number
  readonly headers: Readonly<Record<string, string | undefined>>
  /** What says where the body ends: nothing after a 1xx, which another head follows. */
  readonly framing: "length" | "chunked" | "connection" | "interim"
  /** 0 where it is not the length that says it. */
  readonly lengthBytes: number
  /** Where the body begins. */
  readonly endBytes: number
  /** How long the connection may be kept when it is idle; 0: it may not. Undefined: nothing is said. */
  readonly keepAliveMillis: number | undefined
}

/** More is left to somebody else. */
export const headAtMostBytes: number = 16 * 1024

const version = "HTTP/1.1 "
const version10 = "HTTP/1.0 "
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

// Those that say something about the message that is not understood here. `proxy-connection` says to some parsers what
// `connection` says to all.
const foreignNames: ReadonlySet<string> = new Set(["transfer-encoding", "upgrade", "proxy-connection"])

/**
 * Reads `bytes` up to `endBytes`. `"incomplete"` where all of it may be the beginning of a head that is understood;
 * `"foreign"` where it is not, whatever follows.
 */
export const parse = (bytes: Buffer, endBytes: number): Head | "incomplete" | "foreign" => {
  const found = bytes.indexOf("\r\n\r\n", 0, "latin1")
  const isWhole = found !== -1 && found + 4 <= endBytes
  const text = bytes.toString("latin1", 0, isWhole ? found + 2 : Math.min(endBytes, headAtMostBytes + 1))
  const size = text.length
  if (size + 2 > headAtMostBytes) {
    return "foreign"
  }
  const isOld = !text.startsWith(version)
  if (isOld && !text.startsWith(version10)) {
    return version.startsWith(text) || version10.startsWith(text) ? "incomplete" : "foreign"
  }
  if (size < version.length + 4) {
    return size === version.length || digits(text.slice(version.length)) !== undefined ? "incomplete" : "foreign"
  }
  const status = statusOf(text)
  let at = version.length + 3
  if (status === undefined) {
    return "foreign"
  }
  if (text.charCodeAt(at) === space) {
    at = endOfText(text, at)
  }
  const headers: Record<string, string | undefined> = {}
  let lengthBytes: number | undefined
  let isKept = !isOld
  let isChunked = false
  for (;;) {
    // The end of a line.
    if (at === size || (at + 1 === size && text.charCodeAt(at) === cr)) {
      return "incomplete"
    }
    if (text.charCodeAt(at) !== cr || text.charCodeAt(at + 1) !== lf) {
      return "foreign"
    }
    at += 2
    if (at === size) {
      break
    }
    const nameAt = at
    while (isToken[text.charCodeAt(at)] === 1) {
      at++
    }
    if (at === size || (at === nameAt && at + 1 === size && text.charCodeAt(at) === cr)) {
      return "incomplete"
    }
    if (text.charCodeAt(at) !== colon || at === nameAt) {
      return "foreign"
    }
    const name = text.slice(nameAt, at).toLowerCase()
    at++
    while (isBlank(text.charCodeAt(at))) {
      at++
    }
    const valueAt = at
    at = endOfText(text, at)
    if (at === size) {
      return "incomplete"
    }
    // With the blanks at its end, as undici gives it.
    const value = text.slice(valueAt, at)
    const before = headers[name]
    if (before !== undefined && (typeof before !== "string" || name === "connection" || name === "content-length")) {
      // Twice what may be there once; or a name that every object has.
      return "foreign"
    }
    headers[name] = before === undefined ? value : `${before}, ${value}`
    if (name === "content-length") {
      lengthBytes = digits(value)
      if (lengthBytes === undefined) {
        return "foreign"
      }
    } else if (name === "connection") {
      const option = value.toLowerCase()
      isKept = option === "keep-alive" && !isOld
      if (!isKept && option !== "close" && option !== "keep-alive") {
        return "foreign"
      }
    } else if (foreignNames.has(name)) {
      if (name !== "transfer-encoding" || isOld || before !== undefined || value.toLowerCase() !== "chunked") {
        return "foreign"
      }
      isChunked = true
    }
  }
  if (!isWhole) {
    return "incomplete"
  }
  const bodyAt = found + 4
  if (status < 200) {
    const isPlain = !isOld && !isChunked && lengthBytes === undefined && headers["connection"] === undefined
    return isPlain
      ? { status, headers, framing: "interim", lengthBytes: 0, endBytes: bodyAt, keepAliveMillis: 0 }
      : "foreign"
  }
  if (lengthBytes === undefined) {
    return isChunked
      ? {
          status,
          headers,
          framing: "chunked",
          lengthBytes: 0,
          endBytes: bodyAt,
          keepAliveMillis: kept(isKept, headers)
        }
      : { status, headers, framing: "connection", lengthBytes: 0, endBytes: bodyAt, keepAliveMillis: 0 }
  }
  if (isChunked) {
    return "foreign"
  }
  return { status, headers, framing: "length", lengthBytes, endBytes: bodyAt, keepAliveMillis: kept(isKept, headers) }
}

const kept = (isKept: boolean, headers: Head["headers"]): number | undefined =>
  isKept ? keepAlive(headers["keep-alive"]) : 0

// Of the statuses that may come here, the end of HTTP on a connection, and those whose message ends with the head, or that
// no length is meant for.
const isForeign = (status: number): boolean => status === 101 || status === 204 || status === 205 || status === 304

const statusOf = (text: string): number | undefined => {
  const status = digits(text.slice(version.length, version.length + 3))
  return status === undefined || status < 100 || status > 599 || isForeign(status) ? undefined : status
}

const endOfText = (text: string, from: number): number => {
  let at = from
  while (isText[text.charCodeAt(at)] === 1) {
    at++
  }
  return at
}

const isBlank = (code: number): boolean => code === space || code === tab

// 15 digits are a safe integer.
const digits = (text: string): number | undefined => {
  if (text.length === 0 || text.length > 15) {
    return undefined
  }
  let value = 0
  for (let at = 0; at < text.length; at++) {
    const digit = text.charCodeAt(at) - 48
    if (digit < 0 || digit > 9) {
      return undefined
    }
    value = value * 10 + digit
  }
  return value
}

// A second less than the server says: it counts from when it sent, and nobody shall ask in the moment that it closes.
const keepAlive = (value: string | undefined): number | undefined => {
  const seconds = value === undefined ? undefined : /timeout=(\d{1,9})/i.exec(value)?.[1]
  return seconds === undefined ? undefined : Math.max(0, Number(seconds) - 1) * 1000
}
