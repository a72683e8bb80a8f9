import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Stream from "effect/Stream"
import { Download, MemoryStore } from "halyard"
import { Batches, BatchRows, ShardRows } from "halyard/cluster"
import { autoAdvance, Origin } from "halyard/testing"
import { ended, requests, saving, world, worldOf } from "./world.js"

const file = (request: Origin.Request) => Origin.file(request, "abc")

const submit = (id: string, count: number, options?: Partial<Batches.BatchOptions>) =>
  Effect.flatMap(Batches.Batches, (batches) =>
    batches.submit({ id, requests: requests(count), shardSize: 10, ...options })
  )

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

it.effect("lists the newest batches, with the status of each", () =>
  autoAdvance(
    Effect.gen(function* () {
      const batches = yield* Batches.Batches
      assert.deepStrictEqual(yield* batches.list(), [])
      for (const id of ["a", "b", "c"]) {
        yield* submit(id, 5)
        yield* ended(id)
      }
      assert.deepStrictEqual(yield* batches.list({ limit: 2 }), [
        yield* batches.status("c"),
        yield* batches.status("b")
      ])
    })
  ).pipe(Effect.provide(world(file)))
)

it.effect("knows no batch that was not submitted", () =>
  Effect.gen(function* () {
    const batches = yield* Batches.Batches
    for (const call of [
      batches.status("a"),
      batches.cancel("a"),
      batches.report("a"),
      batches.remove("a"),
      Stream.runDrain(batches.failed("a"))
    ]) {
      assert.deepInclude(yield* Effect.flip(Effect.asVoid(call)), { _tag: "BatchNotFound", id: "a" })
    }
  }).pipe(Effect.provide(world(file)))
)

it.effect("shows how far running shards are", () =>
  autoAdvance(
    Effect.gen(function* () {
      const batches = yield* Batches.Batches
      yield* submit("a", 40, { shardSize: 20 })
      yield* Effect.sleep("12 seconds")
      const status = yield* batches.status("a")
      assert.deepInclude(status, { state: "running", attempts: 2 })
      assert.deepInclude(status.shards, { running: 2, done: 0 })
      assert.isTrue(status.files.saved >= 10 && status.files.saved < 40, `${status.files.saved} files`)
      const report = yield* batches.report("a")
      assert.isUndefined(report.exitCode)
      assert.deepInclude(yield* ended("a"), { attempts: 2 })
    })
  ).pipe(Effect.provide(worldOf((_, requested) => saving(requested))))
)

describe("cancel", () => {
  const slow = (request: Origin.Request) =>
    Origin.file(request, "0123456789", { chunkBytes: 1, chunkDelay: "4 seconds" })

  it.effect("stops every transfer within ten seconds, and leaves nothing in use", () =>
    autoAdvance(
      Effect.gen(function* () {
        const [batches, memory, origin] = [yield* Batches.Batches, yield* MemoryStore.MemoryFiles, yield* Origin.Origin]
        yield* submit("a", 100)
        yield* Effect.sleep("6 seconds")
        assert.isAbove(origin.open(), 4)
        assert.isAbove(yield* memory.parts, 4)
        yield* batches.cancel("a")
        assert.deepInclude(yield* batches.status("a"), { state: "cancelling" })
        yield* Effect.sleep("10 seconds")
        assert.strictEqual(origin.open(), 0)
        assert.strictEqual(yield* memory.parts, 0)
        const status = yield* batches.status("a")
        assert.deepInclude(status, { state: "cancelled", attempts: 4 })
        assert.deepInclude(status.shards, { waiting: 0, running: 0, cancelled: 10 })
        assert.deepInclude(status.files, { cancelled: 100, total: 100 })
        assert.strictEqual((yield* batches.report("a")).exitCode, 1)
      })
    ).pipe(Effect.provide(world(slow)))
  )

  it.effect("keeps what was saved", () =>
    autoAdvance(
      Effect.gen(function* () {
        const batches = yield* Batches.Batches
        yield* submit("a", 40, { shardSize: 20 })
        yield* Effect.sleep("13 seconds")
        yield* batches.cancel("a")
        const { files } = yield* ended("a")
        assert.isTrue(files.saved >= 20 && files.saved < 40, `${files.saved} files`)
        assert.strictEqual(files.saved + files.cancelled, 40)
        assert.strictEqual((yield* batches.report("a")).bytes, files.saved * 10)
      })
    ).pipe(Effect.provide(worldOf((_, requested) => saving(requested))))
  )

  it.effect("leaves other batches alone, and a batch that has ended", () =>
    autoAdvance(
      Effect.gen(function* () {
        const batches = yield* Batches.Batches
        yield* submit("a", 20)
        yield* submit("b", 20)
        yield* batches.cancel("a")
        assert.deepInclude(yield* ended("a"), { state: "cancelled" })
        assert.deepInclude((yield* ended("b")).files, { saved: 20 })
        yield* batches.cancel("b")
        assert.deepInclude(yield* batches.status("b"), { state: "ended" })
      })
    ).pipe(Effect.provide(worldOf((_, requested) => saving(requested))))
  )
})

describe("a shard whose run dies", () => {
  const dying = (deaths: number) =>
    worldOf(({ attempt, shard }, requested) =>
      shard === 1 && attempt <= deaths
        ? Stream.concat(Stream.take(saving(requested), 4), Stream.die(new Error("no http://u:p@h.test/?t=secret")))
        : saving(requested)
    )

  it.effect("is run again", () =>
    autoAdvance(
      Effect.gen(function* () {
        yield* submit("a", 25)
        assert.deepInclude(yield* ended("a"), { attempts: 5, state: "ended", bytes: 250 })
        assert.deepStrictEqual((yield* (yield* Batches.Batches).report("a")).abandoned, [])
      })
    ).pipe(Effect.provide(dying(2)))
  )

  it.effect("has its last attempt alone in its process, so that no other shard shares its end", () => {
    let running = 0
    const beside: Array<number> = []
    const counted = worldOf(({ attempt, shard }, requested) =>
      Stream.unwrapScoped(
        Effect.map(
          Effect.acquireRelease(
            Effect.sync(() => {
              running++
              if (shard === 1) {
                beside.push(running - 1)
              }
            }),
            () => Effect.sync(() => running--)
          ),
          () => (shard === 1 && attempt <= 2 ? Stream.die("dies") : saving(requested))
        )
      )
    )
    return autoAdvance(
      Effect.gen(function* () {
        yield* submit("a", 80)
        assert.deepInclude((yield* ended("a")).files, { saved: 80 })
        assert.strictEqual(beside.length, 3)
        assert.isAbove(beside[1] ?? 0, 0)
        assert.strictEqual(beside[2], 0)
      })
    ).pipe(Effect.provide(counted))
  })

  it.effect("is abandoned after three attempts, and all of its files have failed", () =>
    autoAdvance(
      Effect.gen(function* () {
        yield* submit("a", 25)
        const status = yield* ended("a")
        assert.deepInclude(status, { attempts: 5, state: "ended", bytes: 150 })
        assert.deepInclude(status.shards, { done: 2, abandoned: 1 })
        assert.deepInclude(status.files, { saved: 15, failed: 10, total: 25 })
        const { abandoned, exitCode, report } = yield* (yield* Batches.Batches).report("a")
        assert.deepStrictEqual(abandoned, [
          { shard: 1, files: 10, attempts: 3, reason: "defect", detail: "Error: no http://***@h.test/?t=…" }
        ])
        assert.deepInclude(report, { saved: 15, failed: 10, failures: {} })
        assert.strictEqual(exitCode, 1)
      })
    ).pipe(Effect.provide(dying(3)))
  )
})

const stored = (content: string) =>
  Effect.gen(function* () {
    const rows = yield* BatchRows
    yield* rows.addSlice("manifest", { shard: 0, files: 1, firstIndex: 0, content }, 0)
    const batch = { id: "a", manifest: "manifest", digest: "", shards: 1, files: 1, settings: {}, submittedMillis: 0 }
    yield* rows.insert(batch)
  })

it.effect("abandons a shard at once whose requests are damaged, and says why without secrets", () =>
  autoAdvance(
    Effect.gen(function* () {
      yield* stored('{"version":1,"requests":[{"url":"http://user:secret@origin.test/"')
      assert.deepInclude((yield* ended("a")).files, { failed: 1, total: 1 })
      assert.deepStrictEqual((yield* (yield* Batches.Batches).report("a")).abandoned, [
        { shard: 0, files: 1, attempts: 1, reason: "defect", detail: "the stored requests are damaged" }
      ])
    })
  ).pipe(Effect.provide(worldOf((_, requested) => saving(requested))))
)

it.effect("waits with a shard whose requests another version has stored", () =>
  autoAdvance(
    Effect.gen(function* () {
      yield* stored('{"version":999,"requests":[{"url":"http://origin.test/"}]}')
      const { cancel, status } = yield* Batches.Batches
      const waiting = yield* status("a").pipe(
        Effect.delay("10 seconds"),
        Effect.repeat({ until: ({ attempts }) => attempts > 3 })
      )
      assert.strictEqual(waiting.state, "running")
      assert.deepInclude(waiting.files, { failed: 0, total: 1 })
      assert.deepInclude(waiting.shards, { done: 0, abandoned: 0 })
      yield* cancel("a")
      assert.strictEqual((yield* ended("a")).state, "cancelled")
    })
  ).pipe(Effect.provide(worldOf((_, requested) => saving(requested))))
)

it.effect("counts the files that a second attempt finds saved", () => {
  let deaths = 0
  return autoAdvance(
    Effect.gen(function* () {
      yield* submit("a", 10)
      const status = yield* ended("a")
      // The transfers that were in flight with the one that died have saved their files.
      assert.deepInclude(status, { attempts: 2, foundSaved: 8, bytes: 6 })
      assert.deepInclude(status.files, { saved: 2, skipped: 8, failed: 0 })
    })
  ).pipe(
    Effect.provide(
      world((request) => {
        if (request.url.endsWith("/4") && deaths++ === 0) {
          throw new Error("the origin is broken")
        }
        return file(request)
      })
    )
  )
})

describe("limits", () => {
  const measured = (options: { readonly shardsAtOnce?: number; readonly window?: number }) => {
    let running = 0
    let most = 0
    const layer = worldOf(
      (_, requested) =>
        Stream.unwrapScoped(
          Effect.as(
            Effect.acquireRelease(
              Effect.sync(() => {
                running++
                most = Math.max(most, running)
              }),
              () => Effect.sync(() => running--)
            ),
            saving(requested)
          )
        ),
      options
    )
    return { layer, most: () => most }
  }

  for (const [title, options, expected] of [
    ["runs four shards of a process at a time", {}, 4],
    ["runs as many shards at a time as shardsAtOnce", { shardsAtOnce: 7 }, 7],
    ["gives as many shards of a batch to runners as window", { shardsAtOnce: 20, window: 3 }, 3]
  ] as const) {
    it.effect(title, () => {
      const { layer, most } = measured(options)
      return autoAdvance(
        Effect.gen(function* () {
          yield* submit("a", 100, { shardSize: 5 })
          assert.deepInclude((yield* ended("a")).files, { saved: 100 })
          assert.strictEqual(most(), expected)
        })
      ).pipe(Effect.provide(layer))
    })
  }
})

describe("remove", () => {
  it.effect("removes a batch that has ended, and its id is free", () =>
    autoAdvance(
      Effect.gen(function* () {
        const batches = yield* Batches.Batches
        yield* submit("a", 25)
        assert.deepInclude(yield* Effect.flip(batches.remove("a")), { _tag: "BatchNotEnded", id: "a" })
        yield* ended("a")
        yield* Effect.sleep("3 seconds")
        yield* batches.remove("a")
        assert.isTrue(Exit.isFailure(yield* Effect.exit(batches.status("a"))))
        assert.deepInclude(yield* submit("a", 5), { isNew: true, files: 5 })
        assert.deepInclude((yield* ended("a")).files, { total: 5, saved: 5 })
      })
    ).pipe(Effect.provide(worldOf((_, requested) => saving(requested))))
  )
})

it.effect("closes a batch when its messages are removed", () =>
  autoAdvance(
    Effect.gen(function* () {
      const rows = yield* ShardRows
      yield* submit("a", 25)
      assert.strictEqual((yield* rows.open).length, 1)
      yield* ended("a")
      yield* Effect.sleep("3 seconds")
      assert.deepStrictEqual(yield* rows.open, [])
    })
  ).pipe(Effect.provide(worldOf((_, requested) => saving(requested))))
)
