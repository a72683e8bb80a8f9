import { assert, describe, it } from "@effect/vitest"
import { UniquePaths } from "../../../src/internal/text/uniquePaths.js"

const take = (...wanted: ReadonlyArray<string>): ReadonlyArray<string> => {
  const paths = new UniquePaths()
  return wanted.map((path) => paths.take(path))
}

describe("internal/text/uniquePaths", () => {
  it("numbers a path that an earlier file has, also in another case or Unicode form", () => {
    assert.deepStrictEqual(take("a.gif", "A.GIF", "d/a.gif", "d/a.gif", "caf\u00e9", "cafe\u0301"), [
      "a.gif",
      "A-2.GIF",
      "d/a.gif",
      "d/a-2.gif",
      "caf\u00e9",
      "cafe\u0301-2"
    ])
  })

  it("never gives a numbered name that a file has asked for before", () => {
    assert.deepStrictEqual(take("a-2", "a", "a", "a"), ["a-2", "a", "a-3", "a-4"])
  })

  it("numbers a directory whose path a file has, for all files in it", () => {
    assert.deepStrictEqual(take("a", "a/b", "a/c", "A/d/e"), ["a", "a-2/b", "a-2/c", "A-2/d/e"])
  })

  it("numbers a file whose path a directory has", () => {
    assert.deepStrictEqual(take("a/b/c", "a", "a/b", "a/b/c"), ["a/b/c", "a-2", "a/b-2", "a/b/c-2"])
  })
})
