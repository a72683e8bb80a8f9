// Runs the simulation of many seeds on all processors: npm run simulate -- --seeds 10000 [--from 1]
//
// Prints each seed that breaks a promise, and the trace of the first of them, or of a single seed. Exits with 1 if a seed breaks
// a promise.
import { availableParallelism } from "node:os"
import { parseArgs } from "node:util"
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads"
import { bundle, removeBundles } from "./bundle.mjs"

const batch = 50

if (isMainThread) {
  const { values } = parseArgs({
    options: { seeds: { type: "string", default: "1000" }, from: { type: "string", default: "1" } }
  })
  const seeds = Number(values.seeds)
  const from = Number(values.from)
  if (!Number.isInteger(seeds) || seeds < 1 || !Number.isInteger(from)) {
    console.error("simulate: --seeds N and --from N must be whole numbers")
    process.exit(2)
  }
  const module = await bundle("simulation")
  const start = performance.now()
  const broken = []
  let next = from
  let steps = 0
  const work = () =>
    new Promise((resolve, reject) => {
      const worker = new Worker(new URL(import.meta.url), { workerData: { module, isShown: seeds === 1 } })
      const give = () => {
        if (next >= from + seeds) {
          worker.postMessage(undefined)
          return
        }
        const upTo = Math.min(next + batch, from + seeds)
        worker.postMessage({ from: next, upTo })
        next = upTo
      }
      worker.on("message", (done) => {
        steps += done.steps
        if (done.shown !== undefined) {
          console.log(done.shown)
        }
        for (const result of done.broken) {
          broken.push(result)
          console.log(`seed ${result.seed}: ${result.violations.join("; ")}`)
        }
        give()
      })
      worker.on("error", reject)
      worker.on("exit", resolve)
      give()
    })
  await Promise.all(Array.from({ length: availableParallelism() }, work))
  removeBundles()
  const seconds = (performance.now() - start) / 1000
  const [first] = broken.sort((a, b) => a.seed - b.seed)
  if (first !== undefined) {
    console.log(first.shown)
  }
  console.log(
    `${seeds} seeds, ${broken.length} broken; ${(seeds / seconds).toFixed(0)} runs a second, ${(steps / seeds).toFixed(0)} steps a run`
  )
  process.exitCode = broken.length === 0 ? 0 : 1
} else {
  const Simulation = await import(workerData.module)
  parentPort.on("message", (range) => {
    if (range === undefined) {
      parentPort.close()
      return
    }
    const broken = []
    let steps = 0
    let shown
    for (let seed = range.from; seed < range.upTo; seed++) {
      const result = Simulation.run(seed)
      steps += result.steps
      if (result.violations.length > 0) {
        broken.push({ seed, violations: result.violations, shown: Simulation.show(result) })
      } else if (workerData.isShown) {
        shown = Simulation.show(result)
      }
    }
    parentPort.postMessage({ broken, shown, steps })
  })
}
