import { execFileSync } from "node:child_process"
import { assert, describe, it } from "@effect/vitest"
import * as Reruns from "./reruns/Reruns.js"
import * as Simulation from "./Simulation.js"

const { bundle, removeBundles } = await import(new URL("bundle.mjs", import.meta.url).href)

// Seeds that have found a bug.
const pinned: ReadonlyArray<readonly [seed: number, bug: string]> = [
  [67, "an interrupted fiber left a timer behind"],
  [89, "a body of one byte a second was no stall, because each write restarted the timer"],
  [107, "several seeds that had no violation"],
  [1450, "a run waited forever for outcomes that were all there"],
  [1914, "the same in a second run"],
  [2560, "two surplus workers of a run ended at once"],
  [2853, "the first of two requests for one file failed"],
  [4012, "a run was over before the fiber that reads its input had begun"],
  [4814, "two surplus workers of a run ended at once, in another order"],
  [6261, "an interruption hid that the directory of a published file could not be synced"],
  [4816, "the total size was only in the response to a range, and was wrong"],
  [7163, "the directory of a published file could not be synced"],
  [11306, "a directory could not be opened for its sync"]
]

const pinnedReruns: ReadonlyArray<readonly [seed: number, bug: string]> = [
  [7, "the scope of a journal did not close"],
  [48, "a file of another program was kept although it had another digest than that of the request"],
  [656, "a request was refused because a `unique` one of the run had taken its name"],
  [1664, "a damaged state file was repaired, which the simulation did not expect to take time"],
  [2768, "a file was called lost whose name was not synced by an earlier run that was killed"],
  [1539, "the outcome NotModified had another path than the file that the server had named"]
]

describe("Simulation", () => {
  for (const [seed, bug] of pinned) {
    it(`keeps all promises in seed ${seed}: ${bug}`, () => {
      const result = Simulation.run(seed)
      assert.deepStrictEqual(result.violations, [], Simulation.show(result))
    })
  }

  it("keeps all promises in the first 50 seeds", () => {
    for (let seed = 1; seed <= 50; seed++) {
      const result = Simulation.run(seed)
      assert.deepStrictEqual(result.violations, [], Simulation.show(result))
    }
  })

  for (const [seed, bug] of pinnedReruns) {
    it(`keeps all promises in the reruns of seed ${seed}: ${bug}`, () => {
      const { trace, violations } = Reruns.run(seed)
      assert.deepStrictEqual(violations, [], trace.join("\n"))
    })
  }

  it("has reruns with each outcome that a file at the destination can lead to", () => {
    const traces = Array.from({ length: 60 }, (_, index) => Reruns.run(3 * (index + 1)).trace.join("\n")).join("\n")
    for (const outcome of [
      /Saved \d/,
      /NotModified \d/,
      /Skipped \d recorded/,
      /Skipped \d verified/,
      /Skipped \d same-size/,
      /Skipped \d exists/,
      /Failed \d .* already exists/,
      /: 304/,
      /the journal is torn/,
      /is truncated/,
      /is swapped/,
      /the process ends/
    ]) {
      assert.match(traces, outcome)
    }
  })

  it("gives the same trace for the same seed, in another process too", async () => {
    const seeds = [3, 42, 1450]
    const shown = () => seeds.map((seed) => Simulation.show(Simulation.run(seed)))
    const here = shown()
    assert.deepStrictEqual(shown(), here)
    const script = `import * as Simulation from ${JSON.stringify(await bundle("test"))}
      const seeds = ${JSON.stringify(seeds)}
      console.log(JSON.stringify(seeds.map((seed) => Simulation.show(Simulation.run(seed)))))`
    const there = execFileSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" })
    removeBundles()
    assert.deepStrictEqual(JSON.parse(there), here)
  })

  it("gives other traces for other seeds", () => {
    const traces = new Set(Array.from({ length: 20 }, (_, seed) => Simulation.run(seed).trace.join("\n")))
    assert.isAbove(traces.size, 18)
  })
})
