import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/TestClock"
import { called } from "../../../src/internal/andThen.js"
import { type FileSyncOperations, FileSyncs } from "../../../src/Store/syncs/fileSyncs.js"
import { SyncProbe } from "../../../src/Store/syncs/syncProbe.js"

/** A disk whose sync of one file takes `aloneMillis`. */
const disk = (aloneMillis: number, change: Partial<FileSyncOperations<number>> = {}) =>
  Effect.map(Effect.clock, (clock) => {
    const begun: Array<string> = []
    const syncs = new FileSyncs<number>({
      sync: (handle) =>
        Effect.suspend(() => {
          begun.push(`${handle}`)
          return handle < 0 ? Effect.fail("EIO") : Effect.sleep(aloneMillis)
        }),
      blocking: undefined,
      shared: {
        fileSystemOf: (handle) => Math.floor(handle / 100),
        sync: (handle) => {
          begun.push(`shared ${handle}`)
          return Effect.sleep(10)
        }
      },
      limits: { maxAlone: 2, minShared: 3 },
      nowMillis: () => clock.unsafeCurrentTimeMillis(),
      ...change
    })
    return { begun, syncs }
  })

const syncFile = (syncs: FileSyncs<number>, handle: number, isSmall: boolean): Effect.Effect<void, unknown> =>
  called((resume) => syncs.sync(handle, isSmall, resume))

/** Syncs the files at the same time. Returns the times at which the syncs have ended. */
const syncAll = (syncs: FileSyncs<number>, handles: ReadonlyArray<number>) =>
  Effect.forEach(handles, (handle) => Effect.zipRight(syncFile(syncs, handle, true), Clock.currentTimeMillis), {
    concurrency: "unbounded"
  })

const run = <A, E>(effect: Effect.Effect<A, E>) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.fork(effect)
    yield* TestClock.adjust("1 minute")
    return yield* Fiber.join(fiber)
  })

describe("Store/syncs/fileSyncs", () => {
  it.effect("syncs a few files at a time, and lets many that wait share one sync", () =>
    Effect.gen(function* () {
      const { begun, syncs } = yield* disk(100)
      const ends = yield* run(syncAll(syncs, [1, 2, 3, 4, 5]))
      assert.deepStrictEqual(begun, ["1", "2", "shared 3"])
      assert.deepStrictEqual(ends, [100, 100, 25, 25, 25])
    })
  )

  it.effect("waits a moment before a shared sync, for files that come soon", () =>
    Effect.gen(function* () {
      const { begun, syncs } = yield* disk(100)
      const later = Effect.delay(syncAll(syncs, [6]), 10)
      const [, ends] = yield* run(Effect.all([syncAll(syncs, [1, 2, 3, 4, 5]), later], { concurrency: "unbounded" }))
      assert.deepStrictEqual(begun, ["1", "2", "shared 3"])
      assert.deepStrictEqual(ends, [25])
    })
  )

  it.effect("begins the next shared sync when the one before has ended, with all that have come meanwhile", () =>
    Effect.gen(function* () {
      const { begun, syncs } = yield* disk(100)
      const later = Effect.delay(syncAll(syncs, [6, 7, 8]), 20)
      const [, ends] = yield* run(Effect.all([syncAll(syncs, [1, 2, 3, 4, 5]), later], { concurrency: "unbounded" }))
      assert.deepStrictEqual(begun, ["1", "2", "shared 3", "shared 6"])
      assert.deepStrictEqual(ends, [50, 50, 50])
    })
  )

  it.effect("syncs files alone while that takes less time", () =>
    Effect.gen(function* () {
      const { begun, syncs } = yield* disk(1)
      yield* run(syncAll(syncs, [1, 2, 3, 4, 5]))
      begun.length = 0
      yield* run(syncAll(syncs, [11, 12, 13, 14, 15]))
      assert.deepStrictEqual(begun, ["11", "12", "13", "14", "15"])
    })
  )

  it.effect("shares no sync between file systems, and none of a large file", () =>
    Effect.gen(function* () {
      const { begun, syncs } = yield* disk(100)
      yield* run(
        Effect.all([syncAll(syncs, [1, 2, 3, 104, 5, 106, 7]), syncFile(syncs, 8, false)], { concurrency: "unbounded" })
      )
      assert.deepStrictEqual(
        begun,
        ["1", "2", "8", "shared 3", "104", "106"].sort((a, b) => begun.indexOf(a) - begun.indexOf(b))
      )
      assert.isTrue(begun.includes("104") && begun.includes("106"))
    })
  )

  for (const [how, sync] of [
    ["fails", () => Effect.fail("EIO")],
    ["is a bug", () => Effect.die(new Error("bug"))],
    ["takes too long", () => Effect.never]
  ] as const) {
    it.effect(`syncs each file alone, which tells its error, if the shared sync ${how}`, () =>
      Effect.gen(function* () {
        const { begun, syncs } = yield* disk(100, { shared: { fileSystemOf: () => 1, sync } })
        const exits = yield* run(
          Effect.forEach([1, 2, 3, -4, 5], (handle) => Effect.exit(syncFile(syncs, handle, true)), {
            concurrency: "unbounded"
          })
        )
        assert.deepStrictEqual(begun, ["1", "2", "3", "-4", "5"])
        assert.deepStrictEqual(exits, [Exit.void, Exit.void, Exit.void, Exit.fail("EIO"), Exit.void])
      })
    )
  }

  it.effect("lets a sync that was begun end although its caller is interrupted, and goes on with the others", () =>
    Effect.gen(function* () {
      const { begun, syncs } = yield* disk(100)
      const fiber = yield* Effect.fork(syncAll(syncs, [1, 2, 3, 4, 5]))
      yield* TestClock.adjust(5)
      const interrupting = yield* Effect.fork(Fiber.interrupt(fiber))
      yield* TestClock.adjust(95)
      assert.isTrue(Exit.isInterrupted(yield* Fiber.join(interrupting)))
      assert.deepStrictEqual(begun, ["1", "2", "shared 3"])
      yield* run(syncAll(syncs, [6]))
      assert.strictEqual(begun.at(-1), "6")
    })
  )

  it.effect("syncs in the call while that is fast, but for large files", () =>
    Effect.gen(function* () {
      const probe = new SyncProbe(() => 0)
      const { begun, syncs } = yield* disk(1, { blocking: { probe, sync: () => Exit.void } })
      for (const handle of [1, 2, 3, 4]) {
        assert.isFalse(syncs.areFast)
        yield* run(syncAll(syncs, [handle]))
      }
      assert.isTrue(syncs.areFast)
      assert.strictEqual(syncFile(syncs, 5, true), Exit.void)
      yield* run(syncFile(syncs, 6, false))
      assert.deepStrictEqual(begun, ["1", "2", "3", "4", "6"])
    })
  )
})
