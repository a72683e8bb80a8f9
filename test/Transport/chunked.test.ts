import { assert, describe, it } from "@effect/vitest"
import { Chunked } from "../../src/Node/Transport/http1/response/chunkedDecoder.js"
import { malformedChunks } from "./responses.js"

/** What is found in these pieces, one after the other. */
const read = (...pieces: ReadonlyArray<string>) => {
  const body = new Chunked()
  let text = ""
  for (const [index, piece] of pieces.entries()) {
    const bytes = Buffer.from(piece, "latin1")
    let at = 0
    let found = body.find(bytes, at)
    while (found === "content") {
      assert.isAtLeast(body.startBytes, at)
      assert.isAbove(body.endBytes, body.startBytes)
      at = body.endBytes
      text += bytes.toString("latin1", body.startBytes, at)
      found = body.find(bytes, at)
    }
    if (found !== "more") {
      const rest = found === "ended" ? piece.slice(body.endBytes) + pieces.slice(index + 1).join("") : ""
      return { text, found, rest, hasTrailers: body.hasTrailers }
    }
  }
  return { text, found: "more", rest: "", hasTrailers: body.hasTrailers }
}

const hello = "5\r\nhello\r\n0\r\n\r\n"

describe("a body in chunks", () => {
  for (const [what, text, expected] of [
    ["one chunk", hello, "hello"],
    ["none", "0\r\n\r\n", ""],
    ["many", `${"1\r\na\r\n".repeat(200)}0\r\n\r\n`, "a".repeat(200)],
    [
      "sizes in any case, and zeros before them",
      "000A\r\n0123456789\r\na\r\n0123456789\r\n000\r\n\r\n",
      "01234567890123456789"
    ],
    ["line ends in the content", "4\r\n\r\n\r\n\r\n0\r\n\r\n", "\r\n\r\n"],
    ["blanks around extensions and after sizes", "5 ; a = b\t;\tc\r\nhello\r\n0 \t\r\n\r\n", "hello"],
    ["extensions", '5;a;b=c;d="e;\\"\\r\tf"\r\nhello\r\n0;z\r\n\r\n', "hello"]
  ] as const) {
    it(`is read with ${what}, in one piece and in several`, () => {
      const whole = { text: expected, found: "ended", rest: "", hasTrailers: false }
      assert.deepStrictEqual(read(text), whole)
      assert.deepStrictEqual(read(...text), whole)
      for (let cut = 0; cut < Math.min(text.length, 100); cut++) {
        assert.deepStrictEqual(read(text.slice(0, cut), text.slice(cut)), whole, `${cut}`)
        assert.strictEqual(read(text.slice(0, cut)).found, "more", `${cut}`)
      }
    })
  }

  it("ends after its last line", () => {
    assert.deepStrictEqual(read(`${hello}HTTP/1.1`), {
      text: "hello",
      found: "ended",
      rest: "HTTP/1.1",
      hasTrailers: false
    })
  })

  it("may have trailers, which are skipped", () => {
    const text = "5\r\nhello\r\n0\r\nX-Sum: 1\r\nX-Empty:\r\nX-Folded: a\r\n b\r\nX-Text: caf\u00e9\r\n\r\n"
    assert.deepStrictEqual(read(...text), { text: "hello", found: "ended", rest: "", hasTrailers: true })
  })

  for (const [what, text] of malformedChunks) {
    it(`is malformed with ${what}`, () => {
      assert.strictEqual(read(text).found, "malformed")
      assert.strictEqual(read(...text).found, "malformed")
    })
  }
})
