import { assert, describe, it } from "@effect/vitest"
import * as Head from "../../src/Node/Transport/head.js"

const parse = (text: string) => {
  const bytes = Buffer.from(text, "latin1")
  return Head.parse(bytes, bytes.length)
}

const ok = "HTTP/1.1 200 OK\r\n"
const length = "Content-Length: 3\r\n"

describe("the head of a response", () => {
  it("is read with its headers by lower-case name, and told where its body begins", () => {
    const text = `${ok}Content-Length: 3\r\nX-A:a b\r\nx-a: \tc\r\nX-Empty:\r\nX-Text: caf\u00e9\r\n\r\n`
    assert.deepStrictEqual(parse(`${text}abc`), {
      status: 200,
      headers: { "content-length": "3", "x-a": "a b, c", "x-empty": "", "x-text": "caf\u00e9" },
      framing: "length",
      lengthBytes: 3,
      endBytes: text.length,
      keepAliveMillis: undefined
    })
  })

  it("is not read beyond what was received", () => {
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

  it("is taken with any final status that has a body", () => {
    for (const status of [200, 201, 203, 206, 301, 302, 404, 416, 429, 500, 503, 599]) {
      assert.deepInclude(parse(`HTTP/1.1 ${status}\r\n${length}\r\n`), { status })
    }
    for (const status of [99, 100, 101, 103, 199, 204, 205, 304, 600, 999]) {
      assert.strictEqual(parse(`HTTP/1.1 ${status} x\r\n${length}\r\n`), "foreign", `${status}`)
    }
  })

  for (const [what, text, expected] of [
    ["a length", `${ok}${length}\r\n`, { framing: "length", lengthBytes: 3 }],
    ["chunks", `${ok}TRANSFER-ENCODING: Chunked\r\n\r\n`, { framing: "chunked", keepAliveMillis: undefined }],
    ["neither", `${ok}\r\n`, { framing: "connection", keepAliveMillis: 0 }],
    ["neither, although it is to be kept", `${ok}Connection: keep-alive\r\n\r\n`, { keepAliveMillis: 0 }],
    ["a length in HTTP/1.0", `HTTP/1.0 200 OK\r\n${length}\r\n`, { framing: "length", keepAliveMillis: 0 }],
    ["neither in HTTP/1.0", "HTTP/1.0 200 OK\r\n\r\n", { framing: "connection" }],
    ["no body, in a 1xx", "HTTP/1.1 103 x\r\nLink: </a>\r\n\r\n", { framing: "interim", status: 103 }],
    ["no body, in a 100", "HTTP/1.1 100 Continue\r\n\r\n", { framing: "interim", status: 100 }]
  ] as const) {
    it(`says how the body ends: by ${what}`, () => assert.deepInclude(parse(text), expected))
  }

  for (const [what, text] of [
    ["two lengths, although they are the same", `${ok}${length}${length}\r\n`],
    ["a list of lengths", `${ok}Content-Length: 3, 3\r\n\r\n`],
    ["a negative length", `${ok}Content-Length: -3\r\n\r\n`],
    ["a length with a sign", `${ok}Content-Length: +3\r\n\r\n`],
    ["a hexadecimal length", `${ok}Content-Length: 0x3\r\n\r\n`],
    ["an empty length", `${ok}Content-Length:\r\n\r\n`],
    ["a blank after the length", `${ok}Content-Length: 3 \r\n\r\n`],
    ["a length that is no safe integer", `${ok}Content-Length: 9007199254740993\r\n\r\n`],
    ["a length and chunks", `${ok}${length}Transfer-Encoding: chunked\r\n\r\n`],
    ["chunks and a length", `${ok}Transfer-Encoding: chunked\r\n${length}\r\n`],
    ["chunks twice", `${ok}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n`],
    ["another transfer coding", `${ok}Transfer-Encoding: gzip, chunked\r\n\r\n`],
    ["an empty transfer coding", `${ok}Transfer-Encoding:\r\n\r\n`],
    ["a blank after the transfer coding", `${ok}Transfer-Encoding: chunked \r\n\r\n`],
    ["chunks in HTTP/1.0", `HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n`],
    ["a 1xx of HTTP/1.0", "HTTP/1.0 103 x\r\n\r\n"],
    ["a 1xx that ends the connection", "HTTP/1.1 103 x\r\nConnection: close\r\n\r\n"],
    ["a 1xx with chunks", "HTTP/1.1 103 x\r\nTransfer-Encoding: chunked\r\n\r\n"],
    ["an upgrade", `${ok}${length}Upgrade: h2c\r\n\r\n`],
    ["other connection options", `${ok}${length}Connection: keep-alive, x\r\n\r\n`],
    ["two connection fields", `${ok}${length}Connection: keep-alive\r\nConnection: keep-alive\r\n\r\n`],
    ["HTTP/1.2", `HTTP/1.2 200 OK\r\n${length}\r\n`],
    ["HTTP/2.0", `HTTP/2.0 200 OK\r\n${length}\r\n`],
    ["ICY", `ICY 200 OK\r\n${length}\r\n`],
    ["a status of two digits", `HTTP/1.1 20 OK\r\n${length}\r\n`],
    ["a status of four digits", `HTTP/1.1 2000 OK\r\n${length}\r\n`],
    ["two blanks before the status", `HTTP/1.1  200 OK\r\n${length}\r\n`],
    ["a line before the status line", `\r\n${ok}${length}\r\n`],
    ["lines that end with LF", `HTTP/1.1 200 OK\nContent-Length: 3\n\n`],
    ["one line that ends with LF", `${ok}X: a\n${length}\r\n`],
    ["CR inside of a value", `${ok}X: a\rb\r\n${length}\r\n`],
    ["a folded line", `${ok}X: a\r\n b\r\n${length}\r\n`],
    ["NUL in a value", `${ok}X: a\u0000b\r\n${length}\r\n`],
    ["ESC in a value", `${ok}X: a\u001bb\r\n${length}\r\n`],
    ["DEL in a value", `${ok}X: a\u007fb\r\n${length}\r\n`],
    ["a control character in the reason phrase", `HTTP/1.1 200 O\u0001K\r\n${length}\r\n`],
    ["a blank before the colon", `${ok}X : a\r\n${length}\r\n`],
    ["a name with a blank", `${ok}X Y: a\r\n${length}\r\n`],
    ["a name outside of ASCII", `${ok}X\u00e9: a\r\n${length}\r\n`],
    ["no name", `${ok}: a\r\n${length}\r\n`],
    ["no colon", `${ok}X\r\n${length}\r\n`],
    ["a name that every object has", `${ok}constructor: a\r\n${length}\r\n`],
    ["a name that every object has, differently", `${ok}__proto__: a\r\n${length}\r\n`],
    ["more than 16 KiB", `${ok}X: ${"x".repeat(16 * 1024)}\r\n${length}\r\n`],
    ["more than 16 KiB without an end", `${ok}X: ${"x".repeat(16 * 1024)}`]
  ] as const) {
    it(`is foreign with ${what}`, () => assert.strictEqual(parse(text), "foreign"))
  }

  it("is incomplete at each byte before its end, and taken there", () => {
    const text = `${ok}Content-Length: 3\r\nConnection: keep-alive\r\nX-Empty:\r\n\r\n`
    for (let end = 0; end < text.length; end++) {
      assert.strictEqual(parse(text.slice(0, end)), "incomplete", `${end}`)
    }
    assert.deepInclude(parse(text), { endBytes: text.length })
  })

  it("is foreign as soon as that is certain", () => {
    for (const text of [
      "N",
      "HTTP/1.2",
      "HTTP/1.1 2x",
      "HTTP/1.1 20\r",
      "HTTP/1.1 101 ",
      `${ok}X: a\u0000`,
      `${ok} x`
    ]) {
      assert.strictEqual(parse(text), "foreign", text)
    }
  })
})
