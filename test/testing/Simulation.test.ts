import { execFileSync } from "node:child_process"
import { assert, describe, it } from "@effect/vitest"
import { Simulation } from "halyard/testing"

// Seeds that once broke a promise, and what it was. Each stays a test.
const pinned: ReadonlyArray<readonly [seed: number, what: string]> = [
  [67, "a timer was left behind a fiber that was interrupted before it slept"],
  [89, "a body that came a byte a second was no stall, because each write began the time anew"],
  [107, "a number of seeds that went well"],
  [1450, "a run of several that waited for its outcomes for good, although all were there"],
  [1914, "the same in a second life"],
  [2560, "a run that was over when two surplus loops left it at once"],
  [2853, "two of one file, the first of which failed"],
  [4012, "a run that was over before the fiber that reads its input had begun"],
  [4814, "two surplus loops that left at once"],
  [6261, "a file that stands, and of which an interruption hid that its directory could not be synced"],
  [4816, "a total that only the response to a range had said, and that was wrong"],
  [7163, "a file that stands, and of which the directory could not be synced"],
  [11306, "a directory that could not be opened for its sync"]
]

describe("Simulation", () => {
  for (const [seed, what] of pinned) {
    it(`keeps all promises in seed ${seed}: ${what}`, () => {
      const result = Simulation.run(seed)
      assert.deepStrictEqual(result.violations, [], Simulation.show(result))
    })
  }

  it("keeps all promises in the first 150 seeds", () => {
    for (let seed = 1; seed <= 150; seed++) {
      const result = Simulation.run(seed)
      assert.deepStrictEqual(result.violations, [], Simulation.show(result))
    }
  })

  it("gives the same trace for the same seed, in another process too", () => {
    const seeds = [3, 42, 1450]
    const here = seeds.map((seed) => Simulation.show(Simulation.run(seed)))
    assert.deepStrictEqual(
      seeds.map((seed) => Simulation.show(Simulation.run(seed))),
      here
    )
    const script = `import { Simulation } from "./dist/testing.js"; console.log(JSON.stringify(${JSON.stringify(seeds)}.map((seed) => Simulation.show(Simulation.run(seed)))))`
    const there = execFileSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" })
    assert.deepStrictEqual(JSON.parse(there), here)
  })

  it("gives other traces for other seeds", () => {
    const traces = new Set(Array.from({ length: 50 }, (_, seed) => Simulation.run(seed).trace.join("\n")))
    assert.isAbove(traces.size, 45)
  })
})
