/**
 * The packed package: documented entry points can be imported.
 */
import { execFileSync } from "node:child_process"
import { readdirSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { pages, read } from "../support/documentation.js"

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
})
