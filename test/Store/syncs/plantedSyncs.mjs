// Plants each bug of mutations.mjs in the store, and runs the tests of the file that it changes: a test must fail or never end.
//
//   node test/Store/syncs/plantedSyncs.mjs
import { spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import { startVitest } from "vitest/node"
import { changedSource } from "../../simulation/changedSource.mjs"
import { mutations } from "./mutations.mjs"

const root = fileURLToPath(new URL("../../..", import.meta.url))

/** Runs the tests of the changed file. Returns whether one fails. */
const fails = async (mutation) => {
  const changed = changedSource(mutation)
  const vitest = await startVitest(
    "test",
    Array.from(changed.keys(), (path) => path.replace(/[.]ts$/, ".test.ts").replace(`${root}src/`, `${root}test/`)),
    { root, watch: false, reporters: [{}] },
    { plugins: [{ name: "planted", enforce: "pre", load: (id) => changed.get(id) }] }
  )
  return vitest.state.getCountOfFailedTests() > 0
}

// Each bug has a process of its own: a test may never end with it.
const endsMillis = 25_000
const index = process.argv[2]
if (index !== undefined) {
  process.exit((await fails(mutations[Number(index)])) ? 0 : 1)
}
const missed = mutations.filter(([name], number) => {
  const run = spawnSync(process.execPath, [fileURLToPath(import.meta.url), String(number)], {
    timeout: endsMillis,
    killSignal: "SIGKILL"
  })
  const isFound = run.status === 0 || run.signal === "SIGKILL"
  process.stdout.write(`${isFound ? "found " : "MISSED"} ${name}\n`)
  return !isFound
})
process.stdout.write(`${missed.length} planted bugs were not found by tests\n`)
process.exitCode = missed.length === 0 ? 0 : 1
