// Plants each bug of mutations.mjs in a copy of the client, and runs simulate.ts until a seed finds the bug:
//
//   node test/pipelining/mutate.mjs [--seeds 800] [--only TEXT]
//
// Prints the first seed that finds each bug. Exits with 1 if a bug is not found.
import { parseArgs } from "node:util"
import { bundle, removeBundles } from "../simulation/bundle.mjs"
import { changedSource } from "../simulation/changedSource.mjs"
import { mutations } from "./mutations.mjs"

const { values } = parseArgs({
  options: { seeds: { type: "string", default: "800" }, only: { type: "string", default: "" } }
})
const entry = new URL("simulate.ts", import.meta.url)

// A bug may throw in a callback of the event loop. That counts as found.
let thrown
const onThrown = (error) => {
  thrown = error
}

const missed = []
for (const [index, mutation] of mutations.entries()) {
  const [name] = mutation
  if (!name.includes(values.only)) {
    continue
  }
  const { run } = await import(await bundle(`pipelining-${index}`, changedSource(mutation), entry))
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
