/**
 * A batch of 40 shards on two runners, for the tests of what is shown of it.
 */
import type { Batch, Shard } from "../../../src/RunRecord/shards.js"
import { Shards } from "../../../src/RunRecord/shards.js"
import { begin } from "./recordedRun.js"

const runner = (number: number): string => `10.0.0.${number + 1}:7410`

/** Every shard has ten files and takes ten seconds, two at a time. */
const shardOf = (shard: number): Shard => {
  const beganMillis = begin + 10_000 * Math.floor(shard / 2)
  return {
    shard,
    state: "done",
    total: 10,
    files: { saved: 10, skipped: 0, notModified: 0, failed: 0, cancelled: 0 },
    bytes: 10_000,
    attempts: 1,
    lastAttempts: [{ runner: runner(shard % 2), beganMillis, isReleased: false }],
    endedMillis: beganMillis + 10_000,
    detail: ""
  }
}

/** Shard 6 has two failed files, shard 7 a second attempt, shard 8 is abandoned, and shard 39 still runs. */
export const shards: ReadonlyArray<Shard> = Array.from({ length: 40 }, (_, index): Shard => {
  const shard = shardOf(index)
  const [attempt = { runner: "", beganMillis: 0, isReleased: false }] = shard.lastAttempts
  switch (index) {
    case 6:
      return { ...shard, files: { ...shard.files, saved: 8, failed: 2 } }
    case 7:
      return {
        ...shard,
        attempts: 2,
        lastAttempts: [
          { ...attempt, isReleased: true },
          { runner: runner(0), beganMillis: attempt.beganMillis + 25_000, isReleased: false }
        ],
        endedMillis: attempt.beganMillis + 35_000
      }
    case 8:
      return {
        ...shard,
        state: "abandoned",
        files: { ...shard.files, saved: 0, failed: 10 },
        bytes: 0,
        attempts: 3,
        lastAttempts: [1, 2, 3].map((number) => ({
          runner: runner(number % 2),
          beganMillis: attempt.beganMillis + 5000 * number,
          isReleased: false
        })),
        detail: "Error: <b>out of memory</b>"
      }
    case 39: {
      const { endedMillis: _, ...running } = shard
      return { ...running, state: "running", files: { ...shard.files, saved: 3 }, bytes: 3000 }
    }
    default:
      return shard
  }
})

const batch: Batch = {
  id: "nightly",
  state: "running",
  beganAtMillis: begin,
  elapsedMillis: 200_000,
  total: 41,
  attempts: 43,
  counts: { saved: 381, skipped: 0, notModified: 0, failed: 12, cancelled: 0, notStarted: 0, unfinished: 17 },
  bytes: 383_000
}

export const recordOf = (
  taken: ReadonlyArray<Shard> = shards,
  options: Partial<Batch> & { readonly rowsAtMost?: number } = {}
): Shards => {
  const { rowsAtMost, ...changed } = options
  const record = new Shards({ ...batch, ...changed }, rowsAtMost)
  for (const shard of taken) {
    record.add(shard)
  }
  return record
}
