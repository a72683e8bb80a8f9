/**
 * The documentation: its TypeScript examples are the files that run as tests, and its links lead to files and headings.
 */
import { existsSync, readdirSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { headingsOf, linksOf, pages, read, withoutCode } from "./support/documentation.js"

const root = new URL("../", import.meta.url)

const rates = await import(new URL("bench/rates.mjs", root).href)

describe.each(pages)("%s", (page) => {
  it("shows its examples as they are in the files that run as tests", () => {
    const text = read(page)
    const examples = Array.from(text.matchAll(/<!-- (test\/\S+) -->\n```ts\n([\s\S]*?)```/g))
    for (const [, path = "", shown] of examples) {
      assert.strictEqual(shown, read(path), path)
    }
    assert.strictEqual(examples.length, Array.from(text.matchAll(/^```ts$/gm)).length, "examples without a file")
  })

  it("names files of src and test that exist", () => {
    const rooms =
      /^(?:src|test|bench|cluster|engine|internal|otlp|Cli|Journal|Node|OriginGovernor|RunRecord|RunView|Store|testing|Transport)\//
    const named = Array.from(withoutCode(read(page)).matchAll(/`([\w./-]+)`/g), ([, path = ""]) => path)
    const exists = (path: string) => ["", ".ts"].some((end) => existsSync(new URL(path + end, root)))
    // A page may tell its reader to write a store in a bucket.
    const missing = named.filter(
      (path) => rooms.test(path) && !/Store\/Bucket\b/.test(path) && !exists(path) && !exists(`src/${path}`)
    )
    assert.deepStrictEqual(missing, [])
  })

  it("links to files and headings that exist", () => {
    const broken = linksOf(page).filter(
      ({ heading, path }) =>
        !existsSync(new URL(path, root)) || (heading !== undefined && !headingsOf(path).includes(heading))
    )
    assert.deepStrictEqual(broken, [])
  })
})

describe("the documentation", () => {
  it("shows every example", () => {
    const shown = pages.flatMap((page) => Array.from(read(page).matchAll(/<!-- (test\/\S+) -->/g), ([, path]) => path))
    const examples = readdirSync(new URL("test/examples/", root)).map((name) => `test/examples/${name}`)
    assert.sameMembers(
      examples.filter((path) => !path.endsWith(".server.test.ts")),
      shown
    )
  })

  it("has a way by links from README.md to every page", () => {
    const reached = new Set(["README.md"])
    for (const page of reached) {
      for (const { path } of pages.includes(page) ? linksOf(page) : []) {
        reached.add(path)
      }
    }
    assert.deepStrictEqual(
      pages.filter((page) => !reached.has(page)),
      []
    )
  })

  it("names the package by its version", () => {
    const { version } = JSON.parse(read("package.json"))
    const named = pages.flatMap((page) => Array.from(read(page).matchAll(/halyard-([\d.]+)\.tgz/g), ([, one]) => one))
    assert.deepStrictEqual(new Set(named), new Set([version]))
  })

  it("has the download rates of the newest results", () => {
    const results = JSON.parse(read("bench/results/latest.json"))
    for (const page of rates.pages) {
      assert.include(read(page), "<!-- rates beside ")
      assert.strictEqual(rates.withRates(read(page), results), read(page), page)
    }
  })

  it("has a README.md of at most 250 lines", () => {
    assert.isAtMost(read("README.md").split("\n").length, 251)
  })
})
