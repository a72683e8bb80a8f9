// Plants bugs in the syncs of the store, which the simulation meets rarely, and runs the tests of these syncs: a test must fail or
// never end.
//
//   node test/Store/plantedSyncs.mjs
import { spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { startVitest } from "vitest/node"

const planted = [
  [
    "a shared sync that fails counts",
    "fileSyncs",
    [["if (Exit.isFailure(exit)) {", "if (Exit.isFailure(exit) && false) {"]]
  ],
  [
    "a caller gets the sync of the directory that is under way",
    "directorySyncs",
    [
      ["const others = directory.waiting\n      directory.waiting = []\n", ""],
      [
        "directory.underWay--\n",
        "directory.underWay--\n        const others = directory.waiting\n        directory.waiting = []\n"
      ]
    ]
  ],
  [
    "the last directory is never synced",
    "directorySyncs",
    [["directory.underWay--\n        this.start(path, directory)", "directory.underWay--"]]
  ]
]

const root = fileURLToPath(new URL("../..", import.meta.url))

/** Runs the tests of a module with one bug. Returns whether a test fails. */
const fails = async ([name, module, edits]) => {
  const path = `${root}src/Store/${module}.ts`
  const changed = edits.reduce(
    (text, [from, to]) => {
      if (text.split(from).length !== 2) {
        throw new Error(`'${name}': ${module}.ts has not exactly one '${from}'`)
      }
      return text.replace(from, () => to)
    },
    readFileSync(path, "utf8")
  )
  const vitest = await startVitest(
    "test",
    [`test/Store/${module}.test.ts`],
    { root, watch: false, reporters: [{}] },
    { plugins: [{ name: "planted", enforce: "pre", load: (id) => (id === path ? changed : undefined) }] }
  )
  return vitest.state.getCountOfFailedTests() > 0
}

// Each bug has a process of its own: a test may never end with it.
const endsMillis = 25_000
const index = process.argv[2]
if (index !== undefined) {
  process.exit((await fails(planted[Number(index)])) ? 0 : 1)
}
const missed = planted.filter(([name], number) => {
  const run = spawnSync(process.execPath, [fileURLToPath(import.meta.url), String(number)], {
    timeout: endsMillis,
    killSignal: "SIGKILL"
  })
  const isFound = run.status === 0 || run.signal === "SIGKILL"
  process.stdout.write(`${`${isFound ? "found " : "MISSED"} ${name}`}\n`)
  return !isFound
})
process.stdout.write(`${`${missed.length} planted bugs were not found by tests`}\n`)
process.exitCode = missed.length === 0 ? 0 : 1
