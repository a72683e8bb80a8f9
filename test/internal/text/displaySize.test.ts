import { assert, describe, it } from "@effect/vitest"
import { displaySize } from "../../../src/internal/text/displaySize.js"

describe("a size", () => {
  for (const [bytes, expected] of [
    [0, "0 B"],
    [999, "999 B"],
    [999.7, "1.0 kB"],
    [1000, "1.0 kB"],
    [999_940, "999.9 kB"],
    [999_999, "1.0 MB"],
    [20_000_000, "20.0 MB"],
    [999_999_999_999, "1.0 TB"],
    [1e15, "1000.0 TB"]
  ] as const) {
    it(`of ${bytes} bytes is ${expected}`, () => {
      assert.strictEqual(displaySize(bytes), expected)
    })
  }
})
