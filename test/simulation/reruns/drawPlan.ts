/**
 * Draws a plan from a seed.
 */
import { Draw } from "../Draw.js"
import { origins } from "../Scenario.js"
import type { Change, Ending, Fault, Item, Plan, Run } from "./Plan.js"

export const drawPlan = (seed: number): Plan => {
  const from = new Draw(seed ^ 0x6ed9eba1)
  const isStream = from.chance(0.6)
  const count = from.between(1, 4)
  const items = Array.from({ length: count }, (_, index) => drawItem(from, index, isStream))
  const concurrency = from.between(1, 3)
  const isDirect = from.chance(0.6)
  const durability = from.chance(0.7) ? "full" : "rename"
  return {
    seed,
    items,
    runs: Array.from({ length: from.between(2, 4) }, (_, index) => drawRun(from, items, index)).map(
      (run, index, runs) => ({ ...run, ending: endingOf(run, index === runs.length - 1, durability) })
    ),
    journal: from.pick("directory", "file"),
    resumes: from.chance(0.3),
    concurrency,
    perOrigin: from.between(1, concurrency),
    isStream,
    isDirect,
    isShortOfMemory: from.chance(0.5),
    durability,
    segments: undefined,
    requestsPerSecond: undefined,
    bytesPerSecond: undefined
  }
}

const drawItem = (from: Draw, index: number, isStream: boolean): Item => {
  const isNamed = from.chance(0.3)
  const hasDigest = from.chance(0.25)
  const origin = from.pick(...origins)
  // Only a run keeps the names of transfers that have ended.
  const isShared = isNamed && isStream && from.chance(0.4)
  const onExists = isNamed
    ? from.pick("update", "update", "sync", "fail", "skip", "unique")
    : from.pick("update", "sync", "sync")
  return {
    index,
    origin,
    destination: `/d/file-${index}`,
    serverName: !isNamed ? undefined : isShared ? "shared.bin" : `named-${index}.bin`,
    onExists,
    hasDigest,
    sizeBytes: from.chance(0.3) ? from.between(401, 1500) : from.between(1, 400),
    validators: from.pick("strong", "strong", "both", "both", "weak", "date", "date", "none"),
    isOfFuture: from.chance(0.08),
    isLengthAnnounced: from.chance(0.85),
    conditions: from.pick("heeded", "heeded", "heeded", "ignored", "mistaken"),
    isMoved: from.chance(0.25),
    before: from.pick("nothing", "nothing", "nothing", "the content", "other content")
  }
}

const drawRun = (from: Draw, items: ReadonlyArray<Item>, index: number): Run => ({
  changes: items.map((item) => (index === 0 ? unchanged : drawChange(from, item))),
  faults: items.map(({ sizeBytes }) =>
    from.chance(0.25) ? Array.from({ length: from.between(1, 2) }, () => drawFault(from, sizeBytes)) : []
  ),
  journal: index > 0 && from.chance(0.15) ? from.pick("removed", "torn") : "kept",
  intruder: from.chance(0.1)
    ? { item: from.below(items.length), step: from.between(1, items.length * 150), isOfSameSize: from.chance(0.5) }
    : undefined,
  ending: drawEnding(from, items.length)
})

/** The last run completes. Without syncs, nothing is promised after a power cut. */
const endingOf = ({ ending }: Run, isLast: boolean, durability: Plan["durability"]): Ending =>
  isLast
    ? { kind: "complete" }
    : ending.kind === "power" && durability === "rename"
      ? { ...ending, kind: "kill" }
      : ending

const unchanged: Change = { version: "same", url: "same", local: "none" }

const drawChange = (from: Draw, { isMoved }: Item): Change => ({
  version: from.chance(0.35) ? from.pick("of the same size", "longer") : "same",
  url: from.chance(0.15) ? (isMoved ? from.pick("other", "other target") : "other") : "same",
  local: from.chance(0.4)
    ? from.pick("removed", "truncated", "edited", "edited", "longer", "touched", "swapped")
    : "none"
})

const drawFault = (from: Draw, sizeBytes: number): Fault => {
  const kind = from.pick("refused" as const, "status" as const, "break" as const, "break" as const)
  return kind === "break" ? { kind, at: from.below(sizeBytes + 1), how: from.pick("reset", "close") } : { kind }
}

const drawEnding = (from: Draw, count: number): Ending => {
  const kind = from.pick<Ending["kind"]>("complete", "complete", "complete", "close", "kill", "kill", "power")
  const step = Math.floor(Math.exp(from.real() * Math.log(40 + count * 150)))
  switch (kind) {
    case "complete":
      return { kind }
    case "close":
      return { kind, step }
    default: {
      const at = from.pick<"step" | "disk" | "reply">("disk", "disk", "step", "reply")
      return { kind, at, count: at === "step" ? step : at === "disk" ? from.below(count * 12) : from.below(count * 2) }
    }
  }
}
