/**
 * Keeps the heap of the program small, because a run makes much garbage and keeps little.
 *
 * V8 lets the young generation grow to two spaces of 16 MiB, and the old generation to a multiple of its live objects before the next
 * collection. A run of 10,000 files took 130 MiB, of which 50 MiB were not needed. The limits of V8 are fixed at the start of a process,
 * but the growth factors can be changed later.
 *
 * Only the program does this, because the flags are those of the whole process.
 */
import { PerformanceObserver } from "node:perf_hooks"
import { getHeapSpaceStatistics, setFlagsFromString } from "node:v8"

// A start needs about 25, and a run of 1,000 small files 60.
const collectionsOfShortRun = 32

/**
 * Sets the flags. Call it before the code of the program is loaded: on Node 24 the young generation grows to 16 MiB while it is, and
 * V8 rejects cached code that was compiled with other flags.
 */
export const set = (): void => {
  // A factor of 1 keeps the size of the young generation.
  setFlagsFromString("--semi-space-growth-factor=1")
  setFlagsFromString("--heap-growing-percent=50")
  // Node 24 does not collect the young generation while it marks the old one, so that each marking grows the heap by 20 MB.
  // V8 14 has no such flag, prints a line for each flag that it does not know, and never collects both at a time.
  if (Number.parseInt(process.versions.v8, 10) < 14) {
    setFlagsFromString("--no-separate-gc-phases")
  }
}

/**
 * Lets each space of the young generation grow from 1 to 4 MiB if the run is long. With 1 MiB, a long run takes a fifth more time, because
 * objects of transfers in flight survive more collections. A short run would only fetch new memory from the system, which took 1.3 × the
 * CPU time of 20 flags. V8 makes the spaces small again in a pause, so they may grow after each pause. Call it when the code is loaded.
 */
export const grow = (): void => {
  const startBytes = youngBytes()
  let collections = 0
  let factor = 1
  new PerformanceObserver((entries) => {
    collections += entries.getEntries().length
    const next = collections >= collectionsOfShortRun && youngBytes() <= 2 * startBytes ? 4 : 1
    if (next !== factor) {
      factor = next
      setFlagsFromString(`--semi-space-growth-factor=${factor}`)
    }
  }).observe({ entryTypes: ["gc"] })
}

/**
 * Lets the young generation grow by the rules of V8, for a process that carries out several runs at a time: 4 MiB are too few for it.
 * Call it when the code is loaded.
 */
export const growFreely = (): void => {
  setFlagsFromString("--semi-space-growth-factor=2")
}

const youngBytes = (): number =>
  getHeapSpaceStatistics().find(({ space_name: name }) => name === "new_space")?.space_size ?? 0
