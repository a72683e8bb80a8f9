/**
 * The licences that are distributed with the program.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { temporaryDirectory } from "../support/program/program.js"

const { notices } = await import(new URL("../../notices.mjs", import.meta.url).href)

const bundled = (paths: Readonly<Record<string, number>>) => ({
  outputs: {
    "dist/program.cjs": {
      inputs: Object.fromEntries(Object.entries(paths).map(([path, bytesInOutput]) => [path, { bytesInOutput }]))
    }
  }
})

describe("notices", () => {
  it.scoped("contain every package that is part of a bundle, and no other", () =>
    Effect.gen(function* () {
      const root = `${yield* temporaryDirectory}/`
      const put = (path: string, name: string, license: string) => {
        mkdirSync(`${root}${path}`, { recursive: true })
        writeFileSync(`${root}${path}/package.json`, JSON.stringify({ name, version: "1.2.3", license: "MIT" }))
        if (license !== "") {
          writeFileSync(`${root}${path}/${license}`, `Copyright ${name}`)
        }
      }
      put("node_modules/plain", "plain", "LICENSE")
      put("node_modules/@scope/named", "@scope/named", "licence.md")
      put("node_modules/plain/node_modules/nested", "nested", "LICENSE-MIT.txt")
      put("node_modules/unused", "unused", "LICENSE")
      put("node_modules/none", "none", "")
      put("node_modules/described", "described", "readme.md")
      writeFileSync(`${root}node_modules/described/readme.md`, "# described\n\n## License\n\nCopyright described\n")
      put("node_modules/silent", "silent", "readme.md")
      const text: string = notices(root, [
        bundled({ "src/bin.ts": 10, "node_modules/plain/index.js": 10, "node_modules/@scope/named/lib/a.js": 10 }),
        bundled({ "node_modules/plain/node_modules/nested/a.js": 1, "node_modules/unused/a.js": 0 }),
        bundled({ "node_modules/described/a.js": 1 })
      ])
      for (const name of ["plain", "@scope/named", "nested", "described"]) {
        assert.include(text, `${name} 1.2.3 (MIT)\n\nCopyright ${name}`)
      }
      assert.notInclude(text, "unused")
      assert.throws(() => notices(root, [bundled({ "node_modules/none/a.js": 1 })]), /none is part of the program/)
      // Its description has no section about the licence.
      assert.throws(() => notices(root, [bundled({ "node_modules/silent/a.js": 1 })]), /silent is part of the program/)
    })
  )

  it("are built with the program", () => {
    const text = readFileSync(new URL("../../dist/LICENSES.txt", import.meta.url), "utf8")
    for (const name of ["effect", "@effect/platform-node-shared", "string-width"]) {
      assert.match(text, new RegExp(`^${name} [0-9.]+ \\(MIT\\)\\n\\n.{0,200}Copyright`, "ms"))
    }
  })
})
