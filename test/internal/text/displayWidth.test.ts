import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import { clip, clipMiddle, displayWidth } from "../../../src/internal/text/displayWidth.js"

describe("displayWidth", () => {
  it("counts columns, not characters", () => {
    assert.strictEqual(displayWidth("abc"), 3)
    assert.strictEqual(displayWidth("東京"), 4)
    assert.strictEqual(displayWidth("e\u0301"), 1)
    assert.strictEqual(displayWidth("👍"), 2)
  })

  it("clips to at most that many columns", () => {
    FastCheck.assert(
      FastCheck.property(
        FastCheck.string({ unit: "grapheme" }),
        FastCheck.integer({ min: -1, max: 40 }),
        (text, columns) => {
          assert.isAtMost(displayWidth(clip(text, columns)), Math.max(0, columns))
        }
      )
    )
  })

  it("keeps a text that fits, and adds an ellipsis to a text that it clips", () => {
    assert.strictEqual(clip("thinking!", 9), "thinking!")
    assert.strictEqual(clip("thinking!", 8), "thinkin…")
    assert.strictEqual(clip("東京都", 5), "東京…")
  })
})

describe("a clipped text", () => {
  for (const [text, columns, expected] of [
    ["a status that does not fit", 13, "a status tha…"],
    ["fits", 4, "fits"],
    ["日本語日本語", 7, "日本語…"],
    ["日本語日本語", 8, "日本語…"],
    ["e\u0301e\u0301e\u0301e\u0301", 3, "e\u0301e\u0301…"],
    ["👩‍👩‍👧‍👧👩‍👩‍👧‍👧👩", 4, "👩‍👩‍👧‍👧…"],
    ["🇧🇷🇨🇳🇩🇪", 4, "🇧🇷…"],
    ["\u001b[31mred\u001b[39m", 3, "\u001b[31mred\u001b[39m"],
    ["\u001b[31mred failed\u001b[39m", 5, "red …"]
  ] as const) {
    it(`has at most ${columns} columns: ${expected}`, () => {
      assert.strictEqual(clip(text, columns), expected)
      assert.isAtMost(displayWidth(clip(text, columns)), columns)
    })
  }
})

describe("a text that is clipped in the middle", () => {
  it("keeps its end, and has at most that many columns", () => {
    assert.strictEqual(clipMiddle("photo-003.jpg", 13), "photo-003.jpg")
    assert.strictEqual(clipMiddle("photo-003.jpg", 8), "…003.jpg")
    assert.strictEqual(clipMiddle("a-long-name-of-a-photo-003.jpg", 18), "a-lon…hoto-003.jpg")
    assert.strictEqual(clipMiddle("日本語日本語.iso", 9), "…本語.iso")
    FastCheck.assert(
      FastCheck.property(
        FastCheck.string({ unit: "grapheme" }),
        FastCheck.integer({ min: 8, max: 40 }),
        (text, columns) => {
          assert.isAtMost(displayWidth(clipMiddle(text, columns)), columns)
        }
      )
    )
  })
})
