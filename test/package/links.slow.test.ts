import { execFileSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import { assert, it } from "@effect/vitest"
import { linksOf, pages } from "../support/documentation.js"

const root = fileURLToPath(new URL("../../", import.meta.url))

it("the packed package contains the files to which its documentation links", () => {
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
