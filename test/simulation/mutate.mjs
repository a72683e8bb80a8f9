// Plants each bug of mutations.mjs in a copy of the engine, and runs the simulation until a seed finds the bug:
//
//   npm run mutate [-- --seeds 4000] [--only TEXT]
//
// Prints the first seed that finds each bug. A bug is found if the simulation reports a broken promise: each run has limits in
// steps, in virtual time and in operations of the disk. Exits with 1 if a bug is not found.
import { availableParallelism } from "node:os"
import { parseArgs } from "node:util"
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads"
import { bundle, removeBundles } from "./bundle.mjs"
import { changedSource } from "./changedSource.mjs"
import { mutations } from "./mutations.mjs"

const plant = (index) => bundle(`mutant-${index}`, changedSource(mutations[index]))

// A guard, and no criterion: the time in which 20 seeds end, also on a loaded machine. A bug that exceeds it is not found.
const seedSeconds = 300

if (isMainThread) {
  const { values } = parseArgs({
    options: { seeds: { type: "string", default: "4000" }, only: { type: "string", default: "" } }
  })
  const chosen = mutations.flatMap(([name], index) => (name.includes(values.only) ? [index] : []))
  const missed = []
  const look = async (index) => {
    const [name] = mutations[index]
    const module = await plant(index)
    const found = await new Promise((resolve) => {
      const worker = new Worker(new URL(import.meta.url), {
        workerData: { module, seeds: Number(values.seeds) },
        resourceLimits: { maxOldGenerationSizeMb: 512 },
        stderr: true
      })
      let seed = 0
      let timer
      const end = (result) => {
        clearTimeout(timer)
        resolve(result)
        worker.terminate()
      }
      worker.on("message", (message) => {
        clearTimeout(timer)
        if (message.done) {
          end(message.found)
        } else {
          seed = message.seed
          // Real time: a mutant that does not end never yields.
          timer = setTimeout(() => end({ seed, problem: `a run takes more than ${seedSeconds} s` }), seedSeconds * 1000)
        }
      })
      // All memory is used up, or the changed module cannot be loaded.
      worker.on("error", (error) => end({ seed, problem: error.message }))
    })
    console.log(
      found?.violation === undefined
        ? `MISSED ${name}${found === undefined ? "" : `: seed ${found.seed}: ${found.problem}`}`
        : `${String(found.seed).padStart(5)} ${name}: ${found.violation.slice(0, 100)}`
    )
    if (found?.violation === undefined) {
      missed.push(name)
    }
  }
  const queue = chosen.slice()
  await Promise.all(
    Array.from({ length: availableParallelism() }, async () => {
      for (let index = queue.shift(); index !== undefined; index = queue.shift()) {
        await look(index)
      }
    })
  )
  removeBundles()
  console.log(`${chosen.length} planted bugs, ${missed.length} not found within ${values.seeds} seeds`)
  process.exitCode = missed.length === 0 ? 0 : 1
} else {
  const { run } = await import(workerData.module)
  let found
  for (let seed = 1; seed <= workerData.seeds && found === undefined; seed++) {
    if (seed % 20 === 1) {
      parentPort.postMessage({ seed })
    }
    const { violations } = run(seed)
    if (violations.length > 0) {
      found = { seed, violation: violations[0] }
    }
  }
  parentPort.postMessage({ done: true, found })
}
