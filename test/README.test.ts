import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"

const read = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), "utf8")

const readme = read("README.md")

describe("README", () => {
  const examples = Array.from(readme.matchAll(/<!-- (test\/\S+) -->\n```ts\n([\s\S]*?)```/g))

  it("shows the examples that are run as tests, to the letter", () => {
    assert.strictEqual(examples.length, 4)
    for (const [, path = "", shown] of examples) {
      assert.strictEqual(shown, read(path), path)
    }
  })

  it("links to files that exist", () => {
    const links = Array.from(readme.matchAll(/\]\(([^)#:]+)\)/g), ([, path = ""]) => path)
    assert.isAbove(links.length, 15)
    for (const path of links) {
      assert.isAbove(read(path).length, 0, path)
    }
  })
})
