import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Naming from "../src/Naming.js"

const pathOf = (naming: Naming.Naming, url: string, index = 7) => naming({ url, index }).path

const named = (template: string, url: string) =>
  Either.map(Naming.template(template, "2026-01-31"), (naming) => pathOf(naming, url))

describe("Naming", () => {
  for (const [url, path, isChanged] of [
    ["http://h/a/b.zip?x=1", "h/a/b.zip", false],
    ["https://h:8443/a/", "h+8443/a/index.html", false],
    ["http://h", "h/index.html", false],
    ["http://h//a///b", "h/a/b", false],
    ["http://h/a/../../b", "h/b", false],
    ["http://h/%2e%2e%2fx/..%5Cy/z", "h/_._x/_._y/z", true],
    ["http://[::1]:80/a", "[__1]/a", true],
    ["http://u:p@h/a;s=secret/b", "h/a/b", false],
    ["http://h/.git/config", "h/_git/config", true],
    ["http://h/%20/x", "h/_/x", true],
    ["not a url", "index.html", false]
  ] as const) {
    it(`withHost makes ${path} from ${url}`, () => {
      assert.deepStrictEqual(Naming.withHost({ url, index: 1 }), { path, isChanged })
    })
  }

  it("fromUrl says whether the name was changed", () => {
    assert.deepStrictEqual(Naming.fromUrl({ url: "http://h/a%3Ab", index: 1 }), { path: "a_b", isChanged: true })
    assert.deepStrictEqual(Naming.fromUrl({ url: "http://h/e%CC%81", index: 1 }), { path: "\u00e9", isChanged: false })
    assert.deepStrictEqual(Naming.fromUrl({ url: "http://h/", index: 1 }), { path: "index.html", isChanged: false })
  })

  for (const [template, url, path] of [
    ["{name}.{ext}", "http://h/a.tar.gz", "a.tar.gz"],
    ["{name}.{ext}", "http://h/README", "README"],
    ["{name}.{ext}", "http://h/", "index.html"],
    ["{name}.{ext}", "http://h/.gif", "_gif"],
    ["{index}-{index:04}-{index:2}", "http://h/", "7-0007-07"],
    ["{date}/{host}/{path}/{name}", "http://h/x/y/a.b", "2026-01-31/h/x/y/a"],
    ["{path}/{name}", "http://h/a", "a"],
    ["{query}", "http://h/?a=1&b=%2F..%2F", "a=1&b=_.._"],
    ["{query}", "http://h/", "index.html"],
    ["{{{name}}}", "http://h/a", "{a}"],
    ["{name}\\x", "http://h/a", "a_x"],
    ["{path}/x", "http://h/..%2f..%2fetc/passwd", "_._.._etc/x"]
  ] as const) {
    it(`template makes ${path} by ${template} from ${url}`, () => {
      assert.deepStrictEqual(named(template, url), Either.right(path))
    })
  }

  for (const template of [
    "",
    "a/",
    "/a",
    "..",
    "a/../b",
    "./a",
    "{nope}",
    "{index:x}",
    "{toString}",
    "{",
    "}",
    "{name",
    "{{{"
  ]) {
    it(`refuses the template '${template}'`, () => {
      assert.isTrue(Either.isLeft(named(template, "http://h/a")))
    })
  }

  it.effect("today is a date in UTC", () => Effect.map(Naming.today, (date) => assert.strictEqual(date, "1970-01-01")))
})
