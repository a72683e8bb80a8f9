import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { Batches, BatchRows } from "halyard/cluster"
import { autoAdvance } from "halyard/testing"
import { ended, file, saving, submit, world, worldOf } from "../world.js"

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
