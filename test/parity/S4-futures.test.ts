/**
 * Row S4: the two Future classes, of threads and of asyncio, compared. Here both kinds of work have the same handle, a
 * fiber, whether another thread does the work or this one; so there is one answer where Python has two.
 *
 * `concurrent.futures.Future` and `asyncio.Future` → `Fiber`: `poll`, `addObserver`, `join`; set by hand → `Deferred`
 */
import { Worker } from "node:worker_threads"
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"

/** Work that gives 42 once it is told to finish, and not before. */
interface Work {
  readonly run: Effect.Effect<number>
  readonly finish: Effect.Effect<void>
}

const task: Effect.Effect<Work> = Effect.map(Deferred.make<number>(), (future) => ({
  run: Deferred.await(future),
  finish: Effect.asVoid(Deferred.succeed(future, 42))
}))

const blocked = `
const { parentPort, workerData } = require("node:worker_threads")
Atomics.wait(new Int32Array(workerData), 0, 0)
parentPort.postMessage(42)`

const thread: Effect.Effect<Work> = Effect.sync(() => {
  const signal = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
  const finish = Effect.sync(() => {
    Atomics.store(signal, 0, 1)
    Atomics.notify(signal, 0)
  })
  return {
    finish,
    run: Effect.async<number>((resume) => {
      const worker = new Worker(blocked, { eval: true, workerData: signal.buffer })
      worker.once("message", (result: number) => resume(Effect.succeed(result)))
      worker.once("error", (error) => resume(Effect.die(error)))
      return finish
    })
  }
})

for (const [kind, make] of [
  ["a task", task],
  ["a thread", thread]
] as const) {
  describe(`S4: the future of ${kind}`, () => {
    it.live("is done when its work is done, and not before", () =>
      Effect.gen(function* () {
        const { finish, run } = yield* make
        const future = yield* Effect.fork(run)
        yield* Effect.yieldNow()
        assert.isTrue(Option.isNone(yield* Fiber.poll(future)))
        yield* finish
        yield* Fiber.await(future)
        assert.isTrue(Option.isSome(yield* Fiber.poll(future)))
      })
    )

    it.live("calls each callback with the result once, on completion", () =>
      Effect.gen(function* () {
        const { finish, run } = yield* make
        const seen: Array<Exit.Exit<number>> = []
        const future = yield* Effect.fork(run)
        future.addObserver((exit) => {
          seen.push(exit)
        })
        yield* Effect.yieldNow()
        assert.deepStrictEqual(seen, [])
        yield* finish
        yield* Fiber.await(future)
        assert.deepStrictEqual(seen, [Exit.succeed(42)])
      })
    )

    it.live("has no result while it is unfinished, and does not block or throw when the result is read", () =>
      Effect.gen(function* () {
        const { finish, run } = yield* make
        const others = yield* Ref.make(0)
        const future = yield* Effect.fork(run)
        const asking = yield* Effect.fork(Fiber.join(future))
        // Only the joining fiber is suspended. Another fiber takes a thousand turns in the meantime.
        yield* Effect.repeatN(
          Effect.zipRight(
            Effect.yieldNow(),
            Ref.update(others, (count) => count + 1)
          ),
          999
        )
        assert.strictEqual(yield* Ref.get(others), 1000)
        assert.deepStrictEqual(yield* Fiber.poll(future), Option.none())
        assert.isTrue(Option.isNone(yield* Fiber.poll(asking)))
        yield* finish
        assert.strictEqual(yield* Fiber.join(asking), 42)
      })
    )

    it.live("gives its result to all fibers that await it", () =>
      Effect.gen(function* () {
        const { finish, run } = yield* make
        const future = yield* Effect.fork(run)
        const awaiting = yield* Effect.fork(
          Effect.all([Fiber.join(future), Fiber.join(future)], { concurrency: "unbounded" })
        )
        yield* finish
        assert.deepStrictEqual(yield* Fiber.join(awaiting), [42, 42])
        assert.strictEqual(yield* Fiber.join(future), 42)
      })
    )
  })
}
