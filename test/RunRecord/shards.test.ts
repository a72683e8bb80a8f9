import { assert, describe, it } from "@effect/vitest"
import { outcomes } from "../../src/RunRecord/data.js"
import * as RunRecord from "../../src/RunRecord.js"
import { recordOf, shards } from "../support/recorded/recordedBatch.js"
import { begin, failed, missing, requestTo } from "../support/recorded/recordedRun.js"

const sum = (values: ReadonlyArray<number>) => values.reduce((one, other) => one + other, 0)

describe("the record of a batch", () => {
  it("has a row for each shard that has begun, in the group of its last runner", () => {
    const { files, origins, transfers } = recordOf().data(2)
    assert.strictEqual(transfers.path.length, 40)
    assert.deepStrictEqual([transfers.path[7], transfers.began[7], transfers.ended[7]], ["shard 7", 30_000, 65_000])
    assert.strictEqual(origins[transfers.origin[7] ?? -1]?.origin, "10.0.0.1:7410")
    assert.deepStrictEqual(
      [6, 8, 39].map((shard) => outcomes[transfers.outcome[shard] ?? -1]),
      ["saved", "failed", "unfinished"]
    )
    assert.strictEqual(transfers.ended[39], 200_000)
    assert.strictEqual(sum(files), 400)
  })

  it("says why earlier attempts gave no result", () => {
    const { delays, exchanges, phases, retries, texts } = recordOf().data(2)
    assert.deepStrictEqual(
      [delays.transfer, delays.attempt, delays.delay],
      [
        [7, 8, 8],
        [1, 1, 2],
        [25_000, 5000, 5000]
      ]
    )
    assert.deepStrictEqual(
      delays.error.map((error) => texts[error]),
      ["Its runner stopped", "It did not end", "It did not end"]
    )
    assert.strictEqual(exchanges.attempt[8], 3)
    assert.strictEqual(retries, 3)
    assert.strictEqual(phases.delay, 35_000)
  })

  it("spreads the bytes and the files of a shard over its last attempt, with the sums of all", () => {
    const { timeline } = recordOf().data(2)
    assert.strictEqual(sum(timeline.bytes), 383_000)
    assert.strictEqual(sum(timeline.failed), 12)
    assert.strictEqual(sum(timeline.ended), 393)
    const first = timeline.bytes.slice(0, Math.floor(10_000 / timeline.intervalMillis))
    assert.approximately(sum(first), 20_000, 200)
  })

  it("explains all failures, also those that no list has", () => {
    const record = RunRecord.make()
    for (const path of ["a", "b"]) {
      const request = requestTo(`http://origin.test/${path}`, path)
      record.receive(failed(request, 0, missing(request)))
    }
    const whole = recordOf().of(record.data())
    const abandoned = "a shard was abandoned after 3 attempts: Error: <b>out of memory</b>"
    assert.deepStrictEqual(
      whole.failures.map(({ count, reason }) => [count, reason]),
      [
        [10, abandoned],
        [2, "HTTP error 404 - Not Found"]
      ]
    )
    assert.deepInclude(whole, { beganAtMillis: begin, elapsedMillis: 200_000, savedBytes: 383_000 })
    assert.strictEqual(whole.counts.unfinished, 17)
    const without = recordOf().of(RunRecord.make().data())
    assert.deepStrictEqual(
      without.failures.map(({ count }) => count),
      [10, 2]
    )
  })

  it("keeps rows of the abandoned and of the slowest shards beyond its limit, and all sums", () => {
    const data = recordOf(shards, { rowsAtMost: 5 }).data(2)
    assert.deepStrictEqual(data.transfers.path.slice(0, 7), [
      "shard 0",
      "shard 1",
      "shard 2",
      "shard 3",
      "shard 4",
      "shard 8",
      "shard 7"
    ])
    assert.strictEqual(sum(data.timeline.bytes), 383_000)
  })

  it("shows no time before the begin, if the clocks of runners differ", () => {
    const [shard] = shards
    assert.isDefined(shard)
    const early = {
      ...shard,
      lastAttempts: [{ runner: "early", beganMillis: begin - 5000, isReleased: false }],
      endedMillis: begin - 1000
    }
    const { transfers } = recordOf([early]).data(0)
    assert.deepStrictEqual([transfers.began, transfers.ended], [[0], [0]])
  })
})
