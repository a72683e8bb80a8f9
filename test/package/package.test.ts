/**
 * The packed package: documented entry points can be imported, and it contains the files to which its documentation links.
 */
import { execFileSync } from "node:child_process"
import { readdirSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { linksOf, pages, read } from "../support/documentation.js"

const root = fileURLToPath(new URL("../../", import.meta.url))

/** What a program prints, run beside the package, which it imports by its name. */
const run = (program: string): unknown =>
  JSON.parse(execFileSync(process.execPath, ["--input-type=module", "-e", program], { cwd: root, encoding: "utf8" }))

const sources = readdirSync(`${root}src`, { recursive: true, encoding: "utf8" }).filter((path) => path.endsWith(".ts"))

describe("the package", () => {
  it("has every module of its index as an entry point of that name", () => {
    const found = run(`
      const index = await import("halyard")
      const same = {}
      for (const name of Object.keys(index)) {
        same[name] = (await import("halyard/" + name)) === index[name]
      }
      console.log(JSON.stringify(same))`)
    assert.isTrue(typeof found === "object" && found !== null && "MemoryStore" in found)
    assert.deepStrictEqual(
      Object.entries(found ?? {}).filter(([, isSame]) => !isSame),
      []
    )
  })

  it("has every entry point that its documentation names", () => {
    const documented = [...pages, ...sources.map((path) => `src/${path}`)]
      .flatMap((path) => Array.from(read(path).matchAll(/`(halyard\/[\w/]+)`|from "(halyard\/[\w/]+)"/g)))
      .map(([, named, imported]) => named ?? imported ?? "")
    const names = Array.from(new Set(documented))
    assert.includeMembers(names, ["halyard/Node", "halyard/testing", "halyard/MemoryStore"])
    const missing = run(`
      const missing = []
      for (const name of ${JSON.stringify(names)}) {
        await import(name).catch((error) => missing.push(name + ": " + error.code))
      }
      console.log(JSON.stringify(missing))`)
    assert.deepStrictEqual(missing, [])
  })

  it("contains the files to which its documentation links", () => {
    const output = execFileSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], {
      cwd: root,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"]
    })
    const [{ files }]: [{ readonly files: ReadonlyArray<{ readonly path: string }> }] = JSON.parse(output)
    const packed = new Set(files.map(({ path }) => path))
    const links = pages.flatMap((page) => linksOf(page).map(({ path }) => path))
    assert.isAbove(links.length, 30)
    assert.deepStrictEqual(
      links.filter((path) => !packed.has(path)),
      []
    )
  })
})
