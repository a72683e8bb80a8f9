/**
 * Valid and invalid responses, drawn from a seed, and the pieces in which they arrive.
 */
import { drawing } from "../support/drawing.js"

export interface FuzzCase {
  readonly seed: number
  readonly pieces: ReadonlyArray<Buffer>
  /** The same pieces, changed where undici refuses a valid response. */
  readonly piecesForUndici: ReadonlyArray<Buffer>
  readonly ending: "end" | "reset"
  /** Whether no bytes arrive after a pause. On TLS, bytes that are already decrypted still arrive. */
  readonly stopsAtOnce: boolean
  /** The body is paused after each so-many-th chunk. */
  readonly pauseEvery: number
  /** The number of turns of the event loop before the body is resumed. */
  readonly idleTurns: number
}

const body = "0123456789abcdefghijklmnopqrstuvwxyz"
const ok = "HTTP/1.1 200 OK\r\n"
const nginx = `${ok}Server: nginx/1.22.1\r\nDate: Sun, 22 Nov 2026 22:42:01 GMT\r\nContent-Type: text/plain\r\nContent-Length: 36\r\nLast-Modified: Sun, 22 Nov 2026 22:42:01 GMT\r\nConnection: keep-alive\r\nETag: "6b036fb9-1eef"\r\nAccept-Ranges: bytes\r\n\r\n${body}`

// With a length, or no body at all.
const plain: ReadonlyArray<string> = [
  nginx,
  `${ok}Content-Length: 36\r\n\r\n${body}`,
  `${ok}content-length:36\r\nkeep-alive: timeout=5, max=100\r\nConnection: Keep-Alive\r\n\r\n${body}`,
  `${ok}Content-Length: 0\r\n\r\n`,
  `${ok}Content-Length: 36\r\nConnection: close\r\n\r\n${body}`,
  `HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 4-9/36\r\nContent-Length: 6\r\n\r\n456789`,
  `HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\nSet-Cookie: a=b\r\nSet-Cookie: c=d\r\n\r\nnot found`,
  `HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n`,
  `${ok}X-Text: caf\u00e9\r\nX-Empty:\r\nX-Tab:\t a\t \r\nContent-Length: 36\r\n\r\n${body}`,
  `${ok}Content-Length: 36\r\n\r\n${body}${ok}Content-Length: 3\r\n\r\nbad`,
  `${ok}Content-Length: 10\r\n\r\n${body}`,
  `${ok}Content-Length: 40\r\n\r\n${body}`,
  `${ok}X: ${"x".repeat(15_000)}\r\nContent-Length: 36\r\n\r\n${body}`,
  `${ok}Content-Length: 90000\r\n\r\n${body.repeat(2500)}`,
  `HTTP/1.0 200 OK\r\nContent-Length: 36\r\n\r\n${body}`,
  `HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 36\r\n\r\n${body}`,
  `HTTP/1.1 204 No Content\r\n\r\n`,
  `HTTP/1.1 204 No Content\r\nX: y\r\n\r\n${ok}Content-Length: 3\r\n\r\nbad`,
  `HTTP/1.1 304 Not Modified\r\nContent-Length: 36\r\nETag: "a"\r\n\r\n`,
  `HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n`,
  `HTTP/1.1 599 x\r\nContent-Length: 1\r\n\r\nx`,
  `HTTP/1.1 777 x\r\nContent-Length: 1\r\n\r\nx`,
  `HTTP/1.1 302 Found\r\nLocation: /a\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n`,
  `${ok}Connection: x, close\r\nConnection: y\r\nContent-Length: 36\r\n\r\n${body}`,
  `${ok}Upgrade: h2c\r\nContent-Length: 36\r\n\r\n${body}`,
  `${ok}Connection: upgrade\r\nUpgrade: h2c\r\nContent-Length: 36\r\n\r\n${body}`,
  `${ok}Content-Length: 10\r\nContent-Length: 10\r\n\r\n${body}`,
  `${ok}Content-Length:   36  \r\n\r\n${body}`,
  `${ok}X-Folded: a\r\n b\r\n\tc\r\nContent-Length: 36\r\n\r\n${body}`,
  `${ok.replace("\r", "")}Content-Length: 36\n\n${body}`,
  `${ok}X: a\nContent-Length: 36\r\n\n${body}`,
  `${ok}X: ${"x".repeat(100_000)}\r\nContent-Length: 36\r\n\r\n${body}`,
  `HTTP/1.1 200\r\nContent-Length: 36\r\n\r\n${body}`
]

const chunkedHead = `${ok}Transfer-Encoding: chunked\r\n\r\n`
const manyChunks = [...body.repeat(3)].map((letter) => `1\r\n${letter}\r\n`).join("")

// Without a length.
const unsized: ReadonlyArray<string> = [
  `${chunkedHead}5\r\nhello\r\n0\r\n\r\n`,
  `${chunkedHead}5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nTrailer: x\r\n\r\n`,
  `${chunkedHead}0005;a;b="c;\\"\td"\r\nhello\r\n00\r\nX-Sum: 1\r\nX-Text: caf\u00e9\r\n\r\n`,
  `${chunkedHead}5\r\nhello\r\n0\r\nX-Folded: a\r\n b\r\n\r\n`,
  `${chunkedHead}5 ;a = b\r\nhello\r\n5  \r\nworld\r\n0 ; last\r\nX: a\r\n\r\n`,
  `${chunkedHead}A;a=b;c="d\\" e"\r\n0123456789\r\na\r\nabcdefghij\r\n0;last\r\n\r\n`,
  `${chunkedHead}0\r\n\r\n`,
  `${chunkedHead}${manyChunks}0\r\n\r\n`,
  `${chunkedHead}24\r\n${body}\r\n${manyChunks}`,
  `${chunkedHead}11940\r\n${body.repeat(2000)}\r\n0\r\n\r\n`,
  `${chunkedHead}5\r\nhello\r\n0\r\n\r\n${ok}Content-Length: 3\r\n\r\nbad`,
  `${chunkedHead}5\r\nhello\r\nfffffffffffffffff\r\nworld`,
  `${ok}Connection: close\r\ntransfer-encoding: Chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
  `${ok}Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n24\r\n${body}`,
  `HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nnot found\r\n0\r\n\r\n`,
  `${ok}Connection: close\r\n\r\n${body}`,
  `${ok}\r\n${body}`,
  `${ok}Connection: keep-alive\r\n\r\n${body.repeat(2500)}`,
  `${ok}\r\n`,
  `HTTP/1.0 200 OK\r\nServer: old\r\n\r\n${body}`,
  `HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 4-9/36\r\n\r\n456789`,
  `HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\n\r\n`
]

const interim: ReadonlyArray<string> = [
  "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n",
  "HTTP/1.1 102 Processing\r\n\r\n",
  "HTTP/1.1 100 Continue\r\n\r\n",
  "HTTP/1.1 199 x\r\nX: y\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n",
  "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(20),
  "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(21)
]

const others: ReadonlyArray<string> = [
  `${ok}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
  `HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  `HTTP/1.1 103 Early Hints\r\nContent-Length: 3\r\n\r\n${nginx}`,
  `HTTP/1.1 103 Early Hints\r\nConnection: close\r\n\r\n${nginx}`,
  `HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n`,
  `${ok}Content-Length: 36\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  `${ok}Transfer-Encoding: gzip\r\n\r\n${body}`,
  `${ok}Transfer-Encoding: "chunked"\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
  `${ok}Transfer-Encoding: chunked;q=1\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
  `${ok}Transfer-Encoding: chunke\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
  `${ok}Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  `HTTP/1.1 103 Early Hints\r\n\r\n\r\n${nginx}`,
  `HTTP/1.1 103 Early Hints\r\n\r\n\n${nginx}`,
  `\r\n${nginx}`,
  `HTTP/1.1 099 x\r\nContent-Length: 1\r\n\r\nx`,
  `HTTP/1.2 200 OK\r\nContent-Length: 36\r\n\r\n${body}`,
  `${ok}X: ${"x".repeat(300_000)}\r\nContent-Length: 36\r\n\r\n${body}`,
  ""
]

const lines: ReadonlyArray<string> = [
  "Content-Length: 36",
  "Content-Length: 7",
  "Content-Length: +7",
  "Content-Length: 0x7",
  "Content-Length: 007",
  "Content-Length: 7, 7",
  "Content-Length: 99999999999999999999",
  "Content-Length:",
  "Content-Length : 7",
  "Transfer-Encoding: chunked",
  "Transfer-Encoding: identity",
  "Transfer-Encoding: gzip, chunked",
  "Location: /a",
  'ETag: "b"',
  "X-Folded: a\r\n b",
  "Content-Length: 7\r\n 7",
  "Transfer-Encoding:",
  "Connection: close",
  "Connection: keep-alive, close",
  "Connection: upgrade",
  "Connection: KEEP-ALIVE",
  "Proxy-Connection: close",
  "Upgrade: websocket",
  "Keep-Alive: timeout=0",
  "Keep-Alive: timeout=1",
  "__proto__: x",
  "constructor: y",
  "Trailer: a",
  ": nameless",
  "no colon",
  " leading: blank",
  "name with blank: x"
]

const bytes = [0, 9, 10, 13, 32, 44, 48, 49, 57, 58, 59, 95, 97, 127, 128, 255]

const mutated = (from: Buffer, random: () => number): Buffer => {
  const below = (end: number): number => Math.floor(random() * end)
  // Most mutations are in the head and in the first chunks.
  const isChunked = from.includes("chunked\r\n\r\n", 0, "latin1")
  const headEnd = Math.max(1, Math.min(from.length, from.indexOf("\r\n\r\n") + (isChunked ? 100 : 6)))
  const at = below(random() < 0.9 ? headEnd : from.length + 1)
  const byte = Buffer.of(random() < 0.7 ? (bytes[below(bytes.length)] ?? 0) : below(256))
  const [before, after] = [from.subarray(0, at), from.subarray(at)]
  switch (below(8)) {
    case 0:
    case 1:
      return Buffer.concat([before, byte, after.subarray(1)])
    case 2:
      return Buffer.concat([before, byte, after])
    case 3:
      return Buffer.concat([before, after.subarray(1)])
    case 4: {
      const line = from.indexOf("\r\n", at)
      return line === -1
        ? from
        : Buffer.concat([
            from.subarray(0, line),
            Buffer.from(`\r\n${lines[below(lines.length)] ?? ""}`, "latin1"),
            from.subarray(line)
          ])
    }
    case 5:
      return Buffer.concat([before, after.subarray(0, below(20)), after])
    case 6:
      return Buffer.concat([before, after.subarray(below(20))])
    default:
      return random() < 0.3 ? Buffer.from(before) : Buffer.concat([before, byte, after.subarray(1)])
  }
}

/**
 * undici refuses a `100 Continue` that it did not ask for, although a client must accept it (RFC 9110 §15.2). So undici gets a 102
 * instead.
 */
const forUndici = (whole: Buffer): Buffer => {
  const made = Buffer.from(whole)
  let at = 0
  while (made.subarray(at, at + 10).equals(Buffer.from("HTTP/1.1 1"))) {
    if (made.subarray(at + 10, at + 12).equals(Buffer.from("00"))) {
      made.write("02", at + 10)
    }
    const end = made.indexOf("\r\n\r\n", at)
    at = end === -1 ? made.length : end + 4
  }
  return made
}

const cutsOf = (whole: Buffer, random: () => number): ReadonlyArray<number> => {
  const kind = random()
  const count = kind < 0.5 ? 1 : kind < 0.85 ? 1 + Math.floor(random() * 4) : Math.floor(random() * 40)
  const cuts = Array.from({ length: count - 1 }, () => Math.floor(random() * (whole.length + 1))).sort((a, b) => a - b)
  return cuts
}

const split = (whole: Buffer, cuts: ReadonlyArray<number>): ReadonlyArray<Buffer> =>
  [0, ...cuts].map((cut, index) => whole.subarray(cut, cuts[index] ?? whole.length)).filter((piece) => piece.length > 0)

export const caseOf = (seed: number): FuzzCase => {
  const random = drawing(seed)
  const one = (templates: ReadonlyArray<string>) => templates[Math.floor(random() * templates.length)] ?? ""
  const kind = random()
  const final = one(kind < 0.4 ? plain : kind < 0.85 ? unsized : others)
  let whole: Buffer = Buffer.from((random() < 0.1 ? one(interim) : "") + final, "latin1")
  for (let left = Math.floor(random() ** 2 * 4); left > 0; left--) {
    whole = mutated(whole, random)
  }
  const cuts = cutsOf(whole, random)
  return {
    seed,
    pieces: split(whole, cuts),
    piecesForUndici: split(forUndici(whole), cuts),
    ending: random() < 0.85 ? "end" : "reset",
    stopsAtOnce: random() < 0.5,
    pauseEvery: random() < 0.6 ? Number.POSITIVE_INFINITY : 1 + Math.floor(random() * 3),
    idleTurns: random() < 0.6 ? 0 : Math.floor(random() * 6)
  }
}
