/**
 * Row S3: what a thread and a task have in common, and where they differ. Both go on beside their creator; a task can be
 * cancelled from outside and a thread only asked; threads need locks, and of tasks one runs at a time, up to its await.
 *
 * `Thread` → a worker thread behind an Effect; `Task` → a fiber; `Lock` → nothing between two awaits, else a `Semaphore`
 */
import { Worker } from "node:worker_threads"
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as SynchronizedRef from "effect/SynchronizedRef"
import * as TestClock from "effect/TestClock"

const signalAt = 0
const turnsAt = 1
const cleanedAt = 2

/** A thread that counts its turns until the signal says stop, then cleans up: as the spinner's does. */
const spin = `
const memory = new Int32Array(require("node:worker_threads").workerData)
while (Atomics.load(memory, ${signalAt}) === 0) {
  Atomics.add(memory, ${turnsAt}, 1)
  Atomics.notify(memory, ${turnsAt})
  Atomics.wait(memory, ${signalAt}, 0, 5)
}
Atomics.store(memory, ${cleanedAt}, 1)`

/** A thread as an effect: an interruption asks it to stop by the shared signal, and joins it. */
const inThread = (code: string, memory: Int32Array) =>
  Effect.async<void>((resume) => {
    const thread = new Worker(code, { eval: true, workerData: memory.buffer })
    const ended = Effect.async<void>((done) => {
      thread.once("exit", () => done(Effect.void))
    })
    thread.once("exit", () => resume(Effect.void))
    return Effect.suspend(() => {
      Atomics.store(memory, signalAt, 1)
      Atomics.notify(memory, signalAt)
      return ended
    })
  })

const sharedMemory = () => new Int32Array(new SharedArrayBuffer(3 * Int32Array.BYTES_PER_ELEMENT))

describe("S3: thread and task", () => {
  it.live("a thread runs beside its creator, even while the creator's thread is blocked", () =>
    Effect.gen(function* () {
      const memory = sharedMemory()
      const thread = yield* Effect.fork(inThread(spin, memory))
      yield* Effect.yieldNow()
      // Blocks this thread and its fibers until the other thread has turned.
      assert.notStrictEqual(Atomics.wait(memory, turnsAt, 0, 10_000), "timed-out")
      yield* Fiber.interrupt(thread)
      assert.isAtLeast(Atomics.load(memory, turnsAt), 1)
    })
  )

  it.live("a thread ends at a shared signal, and has cleaned up when the interruption returns", () =>
    Effect.gen(function* () {
      const memory = sharedMemory()
      const thread = yield* Effect.fork(inThread(spin, memory))
      yield* Effect.yieldNow()
      Atomics.wait(memory, turnsAt, 0, 10_000)
      assert.strictEqual(Atomics.load(memory, cleanedAt), 0)
      assert.isTrue(Exit.isInterrupted(yield* Fiber.interrupt(thread)))
      assert.strictEqual(Atomics.load(memory, cleanedAt), 1)
    })
  )

  it.effect("a task is cancelled at its next suspension, but not inside an uninterruptible step", () =>
    Effect.gen(function* () {
      const waiting = yield* Effect.fork(Effect.sleep("3 seconds"))
      const critical = yield* Effect.fork(Effect.uninterruptible(Effect.sleep("3 seconds")))
      yield* TestClock.adjust("1 second")
      yield* Fiber.interruptFork(waiting)
      yield* Fiber.interruptFork(critical)
      yield* TestClock.adjust("1 second")
      assert.isTrue(Option.exists(yield* Fiber.poll(waiting), Exit.isInterrupted))
      assert.isTrue(Option.isNone(yield* Fiber.poll(critical)))
      yield* TestClock.adjust("1 second")
      assert.isTrue(Exit.isInterrupted(yield* Fiber.await(critical)))
    })
  )

  it.effect("an uninterruptible task can end at a signal that it checks, and can be joined", () =>
    Effect.gen(function* () {
      const signal = yield* Deferred.make<void>()
      const stubborn = Effect.sleep("100 millis").pipe(
        Effect.repeat({ until: () => Deferred.isDone(signal) }),
        Effect.as("stopped between two frames"),
        Effect.uninterruptible
      )
      const thread = yield* Effect.fork(stubborn)
      yield* TestClock.adjust("1 second")
      assert.isTrue(Option.isNone(yield* Fiber.poll(thread)))
      yield* Deferred.succeed(signal, undefined)
      yield* TestClock.adjust("100 millis")
      assert.strictEqual(yield* Fiber.join(thread), "stopped between two frames")
    })
  )

  /** Reads, lets `between` happen, writes: two fibers, a thousand times each. */
  const count = (between: Effect.Effect<void>, protect: <A>(section: Effect.Effect<A>) => Effect.Effect<A>) =>
    Effect.gen(function* () {
      let total = 0
      const section = Effect.suspend(() => {
        const before = total
        return Effect.map(between, () => {
          total = before + 1
        })
      })
      const task = Effect.repeatN(protect(section), 999)
      yield* Effect.all([task, task], { concurrency: "unbounded" })
      return total
    })

  it.effect("needs no lock if nothing suspends between read and write, because fibers run one at a time", () =>
    Effect.gen(function* () {
      let total = 0
      const section = Effect.sync(() => {
        const before = total
        total = before + 1
      })
      const task = Effect.zipRight(Effect.yieldNow(), section).pipe(Effect.repeatN(999))
      yield* Effect.all([task, task], { concurrency: "unbounded" })
      assert.strictEqual(total, 2000)
    })
  )

  it.effect("loses updates if a section suspends, and none with a semaphore of one permit", () =>
    Effect.gen(function* () {
      const lock = yield* Effect.makeSemaphore(1)
      assert.isBelow(yield* count(Effect.yieldNow(), (section) => section), 2000)
      assert.strictEqual(yield* count(Effect.yieldNow(), lock.withPermits(1)), 2000)
    })
  )

  it.effect("loses no updates in a synchronized reference", () =>
    Effect.gen(function* () {
      const total = yield* SynchronizedRef.make(0)
      const section = SynchronizedRef.updateEffect(total, (before) => Effect.as(Effect.yieldNow(), before + 1))
      const task = Effect.repeatN(section, 999)
      yield* Effect.all([task, task], { concurrency: "unbounded" })
      assert.strictEqual(yield* SynchronizedRef.get(total), 2000)
    })
  )
})
