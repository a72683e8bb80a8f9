/**
 * Runs the real downloader on a simulated origin and disk. The same seed gives the same run.
 *
 * A seed determines the files, the faults and the end: the run completes, a transfer is cancelled, the downloader is closed, the
 * process is killed, or the power is cut. Then a second run starts with the files that the disk has kept. If the requests resume, it
 * may be killed as well, and a third run follows. `promises.ts` checks all runs. A quarter of the seeds also has `reruns/`: the same
 * files in several runs, with a journal, and with changes in between.
 */
import { drawScenario } from "./drawScenario.js"
import * as Reruns from "./reruns/Reruns.js"
import { SimulatedLife } from "./simulatedLife.js"

/** The result of the simulation of one seed. */
export interface Result {
  readonly seed: number
  /** The broken promises, one sentence each. */
  readonly violations: ReadonlyArray<string>
  /** One line for each event, with its time in virtual milliseconds. */
  readonly trace: ReadonlyArray<string>
  readonly steps: number
  readonly virtualMillis: number
}

// Reruns take as long as the rest of a simulation.
const rerunEvery = 4

/** Runs the simulation of a seed. Does not throw. */
export const run = (seed: number): Result => {
  const scenario = drawScenario(seed)
  const life = new SimulatedLife(scenario)
  life.live()
  const reruns = seed % rerunEvery === 0 ? Reruns.run(seed) : undefined
  return {
    seed,
    violations: [...life.violations, ...(reruns?.violations ?? [])],
    trace: [...life.trace, ...(reruns?.trace ?? [])],
    steps: life.world.steps() + (reruns?.steps ?? 0),
    virtualMillis: life.world.now()
  }
}

/** A result as text: the broken promises and the trace. */
export const show = (result: Result): string =>
  [
    `seed ${result.seed}: ${result.violations.length === 0 ? "all promises kept" : result.violations.join("; ")}`,
    ...result.trace.map((line) => `  ${line}`)
  ].join("\n")
