import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import * as Printable from "../../../src/internal/text/printable.js"

describe("printable", () => {
  it("leaves no control character", () => {
    FastCheck.assert(
      FastCheck.property(FastCheck.string({ unit: "binary" }), (text) => {
        assert.notMatch(Printable.line(text), /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/)
        assert.notMatch(Printable.withoutEscapes(text), /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/)
      })
    )
  })

  it("does not change ordinary text", () => {
    assert.strictEqual(Printable.line("São Tomé, 東京"), "São Tomé, 東京")
    assert.strictEqual(Printable.withoutEscapes("two\nlines\tand a tab"), "two\nlines\tand a tab")
  })

  it("writes control characters as escapes", () => {
    assert.strictEqual(Printable.line("a\u001b[2Jb\nc\u202ed"), "a\\x1b[2Jb\\x0ac\\u202ed")
  })

  it("removes whole escape sequences", () => {
    assert.strictEqual(Printable.withoutEscapes("\u001b[1mbold\u001b[0m \u001b]0;title\u0007text"), "bold text")
  })
})
