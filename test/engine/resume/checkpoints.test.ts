/**
 * When the record of a part is written: a kill at any moment costs little of what was received.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/TestClock"
import * as Download from "../../../src/Download.js"
import * as Downloader from "../../../src/Downloader.js"
import { Origin } from "../../../src/testing.js"
import { memoryStoreWith } from "../../support/storage/storeParts.js"

const mebibyte = 1024 * 1024

/** The bytes that the last record of a part has, if its server sends 6 of 8 MiB at once and then nothing, and each record takes a time. */
const recordedBytes = (millis: number) =>
  Effect.suspend(() => {
    const records: Array<string> = []
    const store = memoryStoreWith((part) => ({
      checkpoint: (record, durability) =>
        Effect.zipRight(
          Effect.sleep(millis),
          Effect.suspend(() => {
            records.push(record)
            return part.checkpoint(record, durability)
          })
        )
    }))
    const body = new Uint8Array(8 * mebibyte)
    const breakAt = { bytes: 6 * mebibyte, how: "silence" } as const
    const origin = Origin.layer((asked) => Origin.file(asked, body, { etag: '"1"', chunkBytes: 64 * 1024, breakAt }))
    return Effect.gen(function* () {
      const downloader = yield* Downloader.Downloader
      const request = Download.request({ url: "http://origin.test/a", destination: "a", resume: true })
      const fiber = yield* Effect.fork(downloader.download(request))
      for (let second = 0; second < 20; second++) {
        yield* TestClock.adjust("1 second")
      }
      const count = records.length
      const ranges: ReadonlyArray<readonly [number, number]> = JSON.parse(records.at(-1) ?? "{}").ranges
      yield* Fiber.interruptFork(fiber)
      yield* TestClock.adjust("10 seconds")
      yield* Fiber.await(fiber)
      return { count, bytes: ranges.reduce((sum, [start, end]) => sum + end - start, 0) }
    }).pipe(Effect.provide(Downloader.layerWith({ segments: 1 }).pipe(Layer.provideMerge(Layer.merge(origin, store)))))
  })

describe("the record of a part", () => {
  for (const millis of [0, 1, 100, 1000]) {
    it.effect(`has all but the last bytes if the server falls silent, and a record takes ${millis} ms`, () =>
      Effect.gen(function* () {
        const { bytes, count } = yield* recordedBytes(millis)
        assert.isAtLeast(bytes, 5 * mebibyte - 128 * 1024)
        assert.isAtMost(count, 10)
      })
    )
  }
})
