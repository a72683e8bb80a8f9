// Plants each bug of mutations.mjs in a copy of the client, and runs simulate.ts until a seed finds the bug:
//
//   node test/pipelining/mutate.mjs [--seeds 800] [--only TEXT]
//
// Prints the first seed that finds each bug. Exits with 1 if a bug is not found.
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { bundle, removeBundles } from "../simulation/bundle.mjs"
import { mutations } from "./mutations.mjs"

const { values } = parseArgs({
  options: { seeds: { type: "string", default: "800" }, only: { type: "string", default: "" } }
})
const source = new URL("../../src/", import.meta.url)
const entry = new URL("simulate.ts", import.meta.url)

const plant = (index, edits) => {
  const changed = new Map()
  for (const [file, text, replacement] of edits) {
    const path = fileURLToPath(new URL(file, source))
    const before = changed.get(path) ?? readFileSync(path, "utf8")
    if (before.split(text).length !== 2) {
      throw new Error(`'${mutations[index][0]}': ${file} has not exactly one '${text}'`)
    }
    changed.set(
      path,
      before.replace(text, () => replacement)
    )
  }
  return bundle(`pipelining-${index}`, changed, entry)
}

// A bug may throw in a callback of the event loop. That counts as found.
let thrown
const onThrown = (error) => {
  thrown = error
}

const missed = []
for (const [index, [name, ...edits]] of mutations.entries()) {
  if (!name.includes(values.only)) {
    continue
  }
  const { run } = await import(await plant(index, edits))
  thrown = undefined
  process.on("uncaughtException", onThrown)
  let found
  for (let seed = 0; seed < Number(values.seeds) && found === undefined; seed++) {
    const { violations } = await run(seed)
    const violation = violations[0] ?? thrown?.message
    if (violation !== undefined) {
      found = `${String(seed).padStart(5)} ${name}: ${violation.slice(0, 100)}`
    }
  }
  process.off("uncaughtException", onThrown)
  console.log(found ?? `MISSED ${name}`)
  if (found === undefined) {
    missed.push(name)
  }
}
removeBundles()
console.log(`${missed.length} planted bugs were not found within ${values.seeds} seeds`)
process.exitCode = missed.length === 0 ? 0 : 1
