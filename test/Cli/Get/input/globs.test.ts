/**
 * Braces and ranges in URLs of `halyard get`.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Either from "effect/Either"
import * as FastCheck from "effect/FastCheck"
import { Glob } from "../../../../src/Cli/Get/input/glob.js"

const expand = (url: string): ReadonlyArray<string> =>
  Array.from(Either.getOrThrow(Glob.parse(url)).expand(), (expanded) => expanded.url)

describe("a URL with braces and ranges", () => {
  for (const [url, expected] of [
    ["http://a.test/{a,b}.gif", ["a.gif", "b.gif"]],
    ["http://a.test/{,x}", ["", "x"]],
    ["http://a.test/{one}", ["one"]],
    ["http://a.test/[8-11]", ["8", "9", "10", "11"]],
    ["http://a.test/[008-11]", ["008", "009", "010", "011"]],
    ["http://a.test/[0-100:50]", ["0", "50", "100"]],
    ["http://a.test/[0-99:50]", ["0", "50"]],
    ["http://a.test/[a-e:2]", ["a", "c", "e"]],
    ["http://a.test/[X-Z]", ["X", "Y", "Z"]],
    ["http://a.test/[5-5]", ["5"]],
    ["http://a.test/{a,b}[1-2]", ["a1", "a2", "b1", "b2"]],
    ["http://a.test/\\{a,b\\}\\[1-2\\]\\x", ["{a,b}[1-2]\\x"]],
    ["http://a.test/{a\\,b,\\}}", ["a,b", "}"]],
    ["http://a.test/?a[]=[1-2]", ["?a[]=1", "?a[]=2"]],
    ["http://a.test/plain", ["plain"]]
  ] as const) {
    it(`expands ${url.slice(14)}`, () => {
      assert.deepStrictEqual(
        expand(url),
        expected.map((path) => `http://a.test/${path}`)
      )
    })
  }

  it("takes an IPv6 address as it is, and a range in a host", () => {
    assert.deepStrictEqual(expand("http://[::1]:[1-2]/[3-3]"), ["http://[::1]:1/3", "http://[::1]:2/3"])
    assert.deepStrictEqual(expand("http://me:a@[fe80::1-2]/"), ["http://me:a@[fe80::1-2]/"])
    assert.deepStrictEqual(expand("http://h[1-3:2].test/"), ["http://h1.test/", "http://h3.test/"])
  })

  it("is told with the position of what is wrong", () => {
    for (const [url, problem] of [
      ["h://a/[1-", "position 7: the bracket is not closed"],
      ["h://a/[3-1]", "position 7: a range begins with its smallest value"],
      ["h://a/[1-9:0]", "position 7: the step of a range is not 0"],
      ["h://a/[a-Z]", "position 7: a range of letters has letters of one case"],
      ["h://a/[1-z]", "position 7: a range has the form [1-100], [001-100], [a-z] or [0-100:10]"],
      ["h://a/?f[name]=1", "position 9: a range has the form"],
      ["h://a/[::1]", "position 7: a range has the form"],
      ["h://a/[1-9999999999999999]", "position 7: a range has the form"],
      ["h://a/{}", "position 7: there is nothing between the braces"],
      ["h://a/{a", "position 7: the brace is not closed"],
      ["h://a/{a,{b}}", "position 7: '{' inside braces needs a backslash"],
      ["h://a/b}", "position 8: '}' has no '{' before it"],
      ["h://a/]", "position 7: ']' has no '[' before it"]
    ] as const) {
      const found = Either.getOrThrow(Either.flip(Glob.parse(url)))
      assert.isTrue(found.startsWith(problem), `${url}: ${found}`)
      assert.isTrue(found.endsWith("; --no-glob takes braces and brackets as they are"), url)
    }
  })

  it("is expanded while it is used: a range of 10^30 URLs", () => {
    const urls = Either.getOrThrow(Glob.parse("http://a.test/[1-999999999999999]/[1-999999999999999]")).expand()
    assert.deepStrictEqual(
      [urls.next(), urls.next()].map(({ value }) => value?.url),
      ["http://a.test/1/1", "http://a.test/1/2"]
    )
  })

  it("yields as many URLs as its patterns have combinations, for any text", () => {
    FastCheck.assert(
      FastCheck.property(FastCheck.array(FastCheck.constantFrom(..."ab{},[]-:019\\/")), (characters) => {
        const text = characters.join("")
        const glob = Glob.parse(text)
        if (Either.isRight(glob)) {
          let count = 0
          for (const { values } of glob.right.expand()) {
            assert.strictEqual(values.length > 0, glob.right.hasPatterns)
            if (++count === 1000) {
              break
            }
          }
          assert.isAbove(count, 0)
        }
        // With backslashes before its special characters, each text stays as it is.
        const escaped = text.replaceAll("\\", "/").replace(/[{}[\]]/g, "\\$&")
        assert.deepStrictEqual(expand(escaped), [text.replaceAll("\\", "/")])
      })
    )
  })
})
