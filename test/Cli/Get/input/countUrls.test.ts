import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { countUrls } from "../../../../src/Cli/Get/input/countUrls.js"
import * as List from "../../../../src/Cli/Get/input/list.js"

const chunked = (text: string | Uint8Array, size: number) => {
  const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text
  return Stream.fromIterable(
    Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) => bytes.slice(index * size, (index + 1) * size))
  )
}

const read = (text: string) =>
  Stream.runCount(
    List.fromBytes(chunked(text, 1000), {
      name: "list",
      label: "--input list",
      baseUrl: undefined,
      onIgnored: () => {}
    })
  )

describe("the count of a list", () => {
  for (const [what, text] of [
    ["URLs", "http://a.test/1\nhttp://a.test/2\nhttp://a.test/3"],
    ["comments and blank lines", "# first\n\nhttp://a.test/1 # one\r\n\r\n  # none\n   \nhttp://a.test/2#part\n#\n"],
    [
      "options, mirrors and indented URLs",
      "http://a.test/1\thttp://b.test/1\n  out=x\n\tdir=y\n  http://a.test/2\n é.test\n"
    ],
    ["a heading", "url\nhttp://a.test/1\nhttp://a.test/2\n"],
    ["a byte order mark", "\ufeffhttp://a.test/1\n\ufeff\nhttp://a.test/2\n"],
    ["text that is no URL", "words\nmore words\n"]
  ] as const) {
    it.effect(`is that of the reader: ${what}`, () =>
      Effect.gen(function* () {
        const expected = yield* read(text)
        for (const size of [1, 7, 1000]) {
          assert.strictEqual(yield* countUrls(chunked(text, size)), expected)
        }
      })
    )
  }

  it.effect("is not known for other formats and encodings", () =>
    Effect.gen(function* () {
      for (const text of ['{"url": "http://a.test/1"}\n', "url,name\nhttp://a.test/1,x\n", "", "# nothing\n"]) {
        assert.strictEqual(yield* countUrls(chunked(text, 5)), undefined)
      }
      const utf16 = new Uint8Array(Buffer.from("http://a.test/1\nhttp://a.test/2\n", "utf16le"))
      assert.strictEqual(yield* countUrls(chunked(utf16, 5)), undefined)
    })
  )

  it.effect("ends at a line that is too long for a URL, and reads no more of the list", () =>
    Effect.gen(function* () {
      let chunks = 0
      const endless = Stream.repeatEffect(
        Effect.sync(() => {
          chunks++
          return new Uint8Array(1000).fill(0x61)
        })
      )
      assert.isUndefined(yield* countUrls(endless))
      assert.isBelow(chunks, 70)
    })
  )
})
