import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { Download, MemoryStore } from "halyard"
import { Batches } from "halyard/cluster"
import { autoAdvance, Origin } from "halyard/testing"
import { ended, file, requests, saving, submit, world, worldOf } from "../world.js"

describe("submit", () => {
  it.effect("has each file downloaded, and counts the outcomes", () =>
    autoAdvance(
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* submit("a", 25), { id: "a", files: 25, shards: 3, isNew: true })
        const status = yield* ended("a")
        assert.deepInclude(status, { state: "ended", bytes: 72, attempts: 3, foundSaved: 0 })
        assert.deepStrictEqual(status.shards, { waiting: 0, running: 0, done: 3, abandoned: 0, cancelled: 0 })
        assert.deepStrictEqual(status.files, {
          saved: 24,
          skipped: 0,
          notModified: 0,
          failed: 1,
          cancelled: 0,
          total: 25
        })
        assert.strictEqual((yield* (yield* MemoryStore.MemoryFiles).files).size, 24)
        const report = yield* (yield* Batches.Batches).report("a")
        assert.deepStrictEqual(report.report, {
          saved: 24,
          skipped: 0,
          notModified: 0,
          failed: 1,
          cancelled: 0,
          notStarted: 0,
          bytes: 72,
          notFound: 1,
          failures: { HttpStatus: 1 }
        })
        assert.strictEqual(report.exitCode, 1)
      })
    ).pipe(Effect.provide(world((request) => (request.url.endsWith("/17") ? { status: 404 } : file(request)))))
  )

  it.effect("gives each failed request its place in the stream, without secrets", () =>
    autoAdvance(
      Effect.gen(function* () {
        const batches = yield* Batches.Batches
        const secret = (n: number) =>
          Download.request({
            id: `line ${n}`,
            url: `http://user:password@origin.test/${n}?token=secret`,
            destination: `/d/${n}`,
            onExists: "update",
            headers: { "x-key": "secret" }
          })
        yield* batches.submit({ id: "a", requests: Stream.map(Stream.range(0, 24), secret), shardSize: 10 })
        yield* ended("a")
        const failed = Array.from(yield* Stream.runCollect(batches.failed("a")))
        assert.deepStrictEqual(
          failed.map(({ error, id, index, url }) => [index, id, url, error._tag]),
          [
            [3, "line 3", "http://***@origin.test/3?token=…", "HttpStatus"],
            [21, "line 21", "http://***@origin.test/21?token=…", "HttpStatus"]
          ]
        )
        const origin = yield* Origin.Origin
        assert.strictEqual(origin.requests()[0]?.headers["x-key"], "secret")
        assert.include(origin.requests()[0]?.url, "token=secret")
      })
    ).pipe(Effect.provide(world((request) => (/\/(3|21)\?/.test(request.url) ? { status: 404 } : file(request)))))
  )

  it.effect("takes the encoded form, and gives a request that cannot be carried out an outcome", () =>
    autoAdvance(
      Effect.gen(function* () {
        const batches = yield* Batches.Batches
        const encoded = [
          { url: "http://origin.test/a", destination: "/d/a", onExists: "update" },
          { url: "ftp://origin.test/b", destination: "/d/b", onExists: "update" }
        ] as const
        yield* batches.submit({ id: "a", requests: Stream.fromIterable(encoded) })
        assert.deepInclude((yield* ended("a")).files, { saved: 1, failed: 1 })
        const report = yield* batches.report("a")
        assert.deepStrictEqual(report.report.failures, { InvalidRequest: 1 })
      })
    ).pipe(Effect.provide(world(file)))
  )

  it.effect("ends a batch without requests", () =>
    autoAdvance(
      Effect.gen(function* () {
        assert.deepInclude(yield* submit("a", 25, { requests: Stream.empty }), { files: 0, shards: 0 })
        assert.deepInclude(yield* ended("a"), { state: "ended", attempts: 0 })
        assert.strictEqual((yield* (yield* Batches.Batches).report("a")).exitCode, 0)
      })
    ).pipe(Effect.provide(world(file)))
  )

  it.effect("returns the first batch if the same content is submitted again", () =>
    autoAdvance(
      Effect.gen(function* () {
        const both = yield* Effect.all([submit("a", 25), submit("a", 25)], { concurrency: 2 })
        assert.deepStrictEqual(both.map(({ isNew }) => isNew).sort(), [false, true])
        yield* ended("a")
        assert.deepStrictEqual(yield* submit("a", 25), { id: "a", files: 25, shards: 3, isNew: false })
        assert.deepInclude(yield* ended("a"), { attempts: 3 })
        assert.strictEqual((yield* Origin.Origin).requests().length, 25)
      })
    ).pipe(Effect.provide(world(file)))
  )

  it.effect("refuses other content with the same id", () =>
    autoAdvance(
      Effect.gen(function* () {
        yield* submit("a", 25)
        for (const other of [
          submit("a", 26),
          submit("a", 25, { requests: requests(25, { onExists: "skip" }) }),
          submit("a", 25, { shardSize: 11 }),
          submit("a", 25, { settings: { output: "elsewhere" } })
        ]) {
          assert.deepInclude(yield* Effect.flip(other), { _tag: "BatchConflict", id: "a" })
        }
        assert.deepInclude((yield* ended("a")).files, { saved: 25, total: 25 })
      })
    ).pipe(Effect.provide(world(file)))
  )

  it.effect("makes no batch if the stream fails or the call is interrupted", () =>
    autoAdvance(
      Effect.gen(function* () {
        const batches = yield* Batches.Batches
        const broken = Stream.concat(requests(25), Stream.fail("broken"))
        assert.strictEqual(yield* Effect.flip(batches.submit({ id: "a", requests: broken, shardSize: 10 })), "broken")
        const endless = Stream.concat(requests(25), Stream.never)
        yield* Effect.timeoutOption(batches.submit({ id: "a", requests: endless, shardSize: 10 }), "1 second")
        assert.deepInclude(yield* Effect.flip(batches.status("a")), { _tag: "BatchNotFound", id: "a" })
        assert.deepInclude(yield* submit("a", 5), { files: 5, isNew: true })
        assert.deepInclude((yield* ended("a")).files, { saved: 5, total: 5 })
      })
    ).pipe(Effect.provide(world(file)))
  )

  it.effect("refuses what a second attempt could not repeat, and invalid options", () =>
    Effect.gen(function* () {
      const batches = yield* Batches.Batches
      for (const onExists of ["fail", "unique"] as const) {
        const mixed = Stream.concat(requests(12), requests(1, { onExists }))
        assert.deepInclude(yield* Effect.flip(batches.submit({ id: "a", requests: mixed, shardSize: 10 })), {
          _tag: "InvalidBatch",
          index: 12
        })
      }
      for (const id of ["", "a/b", "-a", "a".repeat(101)]) {
        assert.deepInclude(yield* Effect.flip(submit(id, 1)), { _tag: "InvalidBatch", id })
      }
      for (const shardSize of [0, 1.5, Number.NaN]) {
        assert.deepInclude(yield* Effect.flip(submit("a", 1, { shardSize })), { _tag: "InvalidBatch" })
      }
      assert.deepInclude(yield* Effect.flip(batches.status("a")), { _tag: "BatchNotFound" })
    }).pipe(Effect.provide(world(file)))
  )

  it.effect("gives the settings to the run of each shard", () => {
    const seen: Array<unknown> = []
    return autoAdvance(
      Effect.gen(function* () {
        yield* submit("a", 25, { settings: { output: "s3" } })
        yield* ended("a")
        assert.sameDeepMembers(
          seen,
          [0, 1, 2].map((shard) => ({ batch: "a", shard, attempt: 1, settings: { output: "s3" } }))
        )
      })
    ).pipe(
      Effect.provide(
        worldOf((shard, requested) => {
          seen.push(shard)
          return saving(requested)
        })
      )
    )
  })
})
