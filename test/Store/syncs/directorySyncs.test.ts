import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as TestClock from "effect/TestClock"
import { called } from "../../../src/internal/andThen.js"
import { OpenFiles } from "../../../src/Store/files/openFiles.js"
import { DirectorySyncs } from "../../../src/Store/syncs/directorySyncs.js"
import { SyncProbe } from "../../../src/Store/syncs/syncProbe.js"

/** Directories whose sync takes 10 milliseconds. */
const disk = (fails: (count: number) => boolean = () => false) => {
  const begun: Array<string> = []
  const syncDirectory = (path: string) =>
    Effect.suspend(() => {
      begun.push(path)
      return Effect.zipRight(Effect.sleep(10), fails(begun.length) ? Effect.fail("EIO") : Effect.void)
    })
  return { begun, syncs: new DirectorySyncs({ syncDirectory }, new OpenFiles(() => {}), undefined) }
}

const sync = (syncs: DirectorySyncs, path: string): Effect.Effect<void, unknown> =>
  called((resume) => syncs.sync(path, resume))

describe("Store/syncs/directorySyncs", () => {
  it.effect(
    "syncs a directory once for all that ask in one turn, and once for all that ask while eight syncs are under way",
    () =>
      Effect.gen(function* () {
        const { begun, syncs } = disk()
        const ask = Effect.forEach([1, 2, 3], () => sync(syncs, "/d"), { concurrency: "unbounded" })
        const fibers: Array<Fiber.Fiber<unknown, unknown>> = []
        for (let count = 0; count < 10; count++) {
          fibers.push(yield* Effect.fork(ask))
          yield* TestClock.adjust(1)
        }
        // The first of eight has ended, and all that have come meanwhile share the next one.
        assert.strictEqual(begun.length, 9)
        yield* TestClock.adjust(9)
        assert.isTrue(Option.isNone(yield* Fiber.poll(Fiber.all(fibers.slice(8)))))
        yield* TestClock.adjust(1)
        yield* Fiber.joinAll(fibers)
        assert.strictEqual(begun.length, 9)
      })
  )

  it.effect("syncs different directories at the same time", () =>
    Effect.gen(function* () {
      const { begun, syncs } = disk()
      const fiber = yield* Effect.fork(Effect.forEach(["/a", "/b"], (path) => sync(syncs, path), { concurrency: 2 }))
      yield* TestClock.adjust(10)
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(begun, ["/a", "/b"])
    })
  )

  it.effect("tells a failure to all that share the sync, and to no others", () =>
    Effect.gen(function* () {
      const { syncs } = disk((count) => count === 1)
      const ask = Effect.forEach([1, 2], () => Effect.exit(sync(syncs, "/d")), { concurrency: "unbounded" })
      const first = yield* Effect.fork(ask)
      yield* TestClock.adjust(5)
      const second = yield* Effect.fork(ask)
      yield* TestClock.adjust(20)
      assert.deepStrictEqual(yield* Fiber.join(first), [Exit.fail("EIO"), Exit.fail("EIO")])
      assert.deepStrictEqual(yield* Fiber.join(second), [Exit.void, Exit.void])
    })
  )

  it.effect("syncs for the others although the caller that has begun is interrupted", () =>
    Effect.gen(function* () {
      const { syncs } = disk()
      const first = yield* Effect.fork(sync(syncs, "/d"))
      const second = yield* Effect.fork(sync(syncs, "/d"))
      yield* TestClock.adjust(5)
      const interrupting = yield* Effect.fork(Fiber.interrupt(first))
      yield* TestClock.adjust(10)
      yield* Fiber.join(interrupting)
      yield* Fiber.join(second)
    })
  )

  it("syncs in the call while that is fast", () => {
    const probe = new SyncProbe(() => 0)
    for (let count = 0; count < 4; count++) {
      probe.onThread(0)
    }
    const { begun } = disk()
    const blocking = {
      probe,
      sync: (path: string) => {
        begun.push(path)
        return Exit.void
      }
    }
    const syncs = new DirectorySyncs({ syncDirectory: () => Effect.never }, new OpenFiles(() => {}), blocking)
    assert.strictEqual(syncs.syncNow("/d"), Exit.void)
    assert.deepStrictEqual(begun, ["/d"])
  })
})
