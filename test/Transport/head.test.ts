import { assert, describe, it } from "@effect/vitest"
import * as Head from "../../src/Node/Transport/http1/response/responseHead.js"
import { refusedHeads } from "./responses.js"

const parse = (text: string) => {
  const bytes = Buffer.from(text, "latin1")
  return Head.parse(bytes, bytes.length)
}

const ok = "HTTP/1.1 200 OK\r\n"
const length = "Content-Length: 3\r\n"

describe("the head of a response", () => {
  it("has its headers by lower-case name, and the start of its body", () => {
    const text = `${ok}Content-Length: 3\r\nX-A:a b \r\nx-a: \tc\t\r\nX-Empty:\r\nX-Text: caf\u00e9\r\n\r\n`
    assert.deepStrictEqual(parse(`${text}abc`), {
      status: 200,
      headers: { "content-length": "3", "x-a": "a b, c", "x-empty": "", "x-text": "caf\u00e9" },
      framing: "length",
      lengthBytes: 3,
      endBytes: text.length,
      keepAliveMillis: undefined
    })
  })

  it("is not read beyond the received bytes", () => {
    const bytes = Buffer.from(`${ok}${length}\r\nabc`, "latin1")
    assert.strictEqual(Head.parse(bytes, ok.length + length.length), "incomplete")
  })

  for (const [said, millis] of [
    ["", undefined],
    ["Connection: keep-alive\r\n", undefined],
    ["Connection: Keep-Alive\r\nKeep-Alive: timeout=5, max=100\r\n", 4000],
    ["Keep-Alive: timeout=1\r\n", 0],
    ["Keep-Alive: max=1\r\n", undefined],
    ["Connection: close\r\nKeep-Alive: timeout=5\r\n", 0]
  ] as const) {
    it(`says how long the connection may be kept: ${JSON.stringify(said)}`, () => {
      assert.deepNestedInclude(parse(`${ok}${length}${said}\r\n`), { keepAliveMillis: millis })
    })
  }

  it("is accepted with any final status", () => {
    for (const status of [200, 201, 203, 205, 206, 301, 302, 404, 416, 429, 500, 503, 599, 600, 999]) {
      assert.deepInclude(parse(`HTTP/1.1 ${status}\r\n${length}\r\n`), { status, lengthBytes: 3 })
    }
    for (const status of [204, 304]) {
      assert.deepInclude(parse(`HTTP/1.1 ${status} x\r\n${length}\r\n`), { status, framing: "length", lengthBytes: 0 })
    }
  })

  for (const [what, text, expected] of [
    ["a length", `${ok}${length}\r\n`, { framing: "length", lengthBytes: 3 }],
    ["chunks", `${ok}TRANSFER-ENCODING: Chunked\r\n\r\n`, { framing: "chunked", keepAliveMillis: undefined }],
    ["neither", `${ok}\r\n`, { framing: "connection", keepAliveMillis: 0 }],
    ["neither, with keep-alive", `${ok}Connection: keep-alive\r\n\r\n`, { keepAliveMillis: 0 }],
    ["a length in HTTP/1.0", `HTTP/1.0 200 OK\r\n${length}\r\n`, { framing: "length", keepAliveMillis: 0 }],
    [
      "a length in HTTP/1.0 that is kept",
      `HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\n${length}\r\n`,
      { keepAliveMillis: undefined }
    ],
    ["neither in HTTP/1.0", "HTTP/1.0 200 OK\r\n\r\n", { framing: "connection" }],
    ["a length in HTTP/1.2", `HTTP/1.2 200 OK\r\n${length}\r\n`, { framing: "length", keepAliveMillis: undefined }],
    ["no body, in a 1xx", "HTTP/1.1 103 x\r\nLink: </a>\r\n\r\n", { framing: "interim", status: 103 }],
    ["no body, in a 1xx with the length 0", "HTTP/1.1 103 x\r\nContent-Length: 0\r\n\r\n", { framing: "interim" }],
    ["no body, in a 100", "HTTP/1.1 100 Continue\r\n\r\n", { framing: "interim", status: 100 }],
    ["no body, in a 1xx of HTTP/1.0", "HTTP/1.0 103 x\r\n\r\n", { framing: "interim" }],
    ["no body, in a 1xx with close", "HTTP/1.1 103 x\r\nConnection: close\r\n\r\n", { framing: "interim" }],
    ["no body, in a 204 that announces one", `HTTP/1.1 204 x\r\n${length}\r\n`, { lengthBytes: 0, keepAliveMillis: 0 }],
    [
      "no body, in a 304 that announces one",
      `HTTP/1.1 304 x\r\n${length}\r\n`,
      { lengthBytes: 0, keepAliveMillis: undefined }
    ],
    ["the same length twice", `${ok}${length}${length}\r\n`, { framing: "length", lengthBytes: 3 }],
    ["the same length in a list", `${ok}Content-Length: 3, 3\r\n\r\n`, { framing: "length", lengthBytes: 3 }],
    [
      "a length with zeros before it",
      `${ok}Content-Length: ${"0".repeat(30)}3\r\n\r\n`,
      { framing: "length", lengthBytes: 3 }
    ],
    ["a length with blanks around it", `${ok}Content-Length:\t 3 \t\r\n\r\n`, { framing: "length", lengthBytes: 3 }],
    ["chunks with blanks around the word", `${ok}Transfer-Encoding:\t chunked \t\r\n\r\n`, { framing: "chunked" }],
    ["a length beside an offer to upgrade", `${ok}${length}Upgrade: h2c\r\n\r\n`, { framing: "length" }],
    [
      "a length beside other options",
      `${ok}${length}Connection: a, b\r\nConnection: c\r\n\r\n`,
      { keepAliveMillis: undefined }
    ],
    [
      "a length, with close among options",
      `${ok}${length}Connection: a ,Close\r\nConnection: keep-alive\r\n\r\n`,
      { keepAliveMillis: 0 }
    ],
    [
      "a length, in lines that end with LF",
      `HTTP/1.1 200 OK\nContent-Length: 3\n\nabc\r\n\r\n`,
      { framing: "length", endBytes: 35 }
    ],
    ["a length, with one line that ends with LF", `${ok}X: a\n${length}\r\n`, { framing: "length" }]
  ] as const) {
    it(`says how the body ends: by ${what}`, () => assert.deepInclude(parse(text), expected))
  }

  it("has one length, however often the field is repeated", () => {
    for (const text of [`${ok}${length}${length}\r\n`, `${ok}Content-Length: 3,3\r\n\r\n`]) {
      assert.deepNestedInclude(parse(text), { "headers.content-length": "3" })
    }
  })

  it("has the first value of a repeated field with a single value, and all values of other fields", () => {
    const text = `${ok}Location: /a\r\nETag: "1"\r\nX: a\r\nlocation: /b\r\netag: "1"\r\nx: b\r\n${length}\r\n`
    assert.deepNestedInclude(parse(text), {
      "headers.location": "/a",
      "headers.etag": '"1"',
      "headers.x": "a, b"
    })
  })

  it("joins folded lines into one value", () => {
    const text = `${ok}X: a\r\n  b \r\n\tc\r\n \r\nY:\r\n d\r\n${length}\r\n`
    assert.deepNestedInclude(parse(text), { "headers.x": "a b c", "headers.y": "d", endBytes: text.length })
  })

  it("accepts the names of properties that every object has", () => {
    const head = parse(`${ok}constructor: a\r\n__proto__: b\r\ntoString: c\r\nConstructor: d\r\n${length}\r\n`)
    assert.deepInclude(head, {
      framing: "length",
      headers: { constructor: "a, d", tostring: "c", "content-length": "3" }
    })
  })

  for (const [kind, bytes] of refusedHeads) {
    it(`is refused with ${kind}`, () => assert.instanceOf(parse(bytes), Error))
  }

  it("is incomplete at each byte before its end", () => {
    for (const text of [
      `${ok}Content-Length: 3\r\nConnection: keep-alive\r\nX-Empty:\r\n\r\n`,
      `${ok}X: a\r\n b\r\n c\r\nContent-Length: 3\r\n\r\n`,
      "HTTP/1.0 200 OK\nContent-Length: 3\n\n"
    ]) {
      for (let end = 0; end < text.length; end++) {
        assert.strictEqual(parse(text.slice(0, end)), "incomplete", `${end}`)
      }
      assert.deepInclude(parse(text), { endBytes: text.length })
    }
  })

  it("is refused as soon as it is invalid", () => {
    for (const text of [
      "N",
      "\r",
      "HTTP/2",
      "HTTP/1.1 2x",
      "HTTP/1.1 20\r",
      "HTTP/1.1 0",
      `${ok}X: a\u0000`,
      `${ok} x`
    ]) {
      assert.instanceOf(parse(text), Error, text)
    }
  })

  it("is read in linear time, whatever it contains", () => {
    for (const line of [
      "X: a\r\n",
      "X:\r\n \r\n",
      `X: ${" ".repeat(1000)}a\r\n`,
      "Content-Length: 3,3,3\r\n",
      "Connection: a,b,c\r\n"
    ]) {
      const text = `${ok}${line.repeat(1_000_000 / line.length)}`
      const bytes = Buffer.from(text, "latin1")
      assert.strictEqual(Head.parse(bytes, bytes.length, 2_000_000), "incomplete")
    }
  })
})
