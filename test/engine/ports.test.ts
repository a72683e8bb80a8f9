/**
 * The engine over ports that suspend, die or call back in the middle of a call.
 */
import { createHash } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/TestClock"
import * as Download from "../../src/Download.js"
import { Disk } from "../../src/DownloadError.js"
import * as Downloader from "../../src/Downloader.js"
import * as OriginGovernor from "../../src/OriginGovernor.js"
import * as RetryPolicy from "../../src/RetryPolicy.js"
import * as MemoryStore from "../../src/Store/Memory.js"
import type { Store } from "../../src/Store.js"
import type { Transport } from "../../src/Transport.js"
import { memoryStoreWith } from "../support/storage/storeParts.js"
import { content, type Sent, transport } from "../support/transport/answeredTransport.js"

const digest = `sha256:${createHash("sha256").update(content).digest("hex")}`

const governorWith = (
  change: (
    governor: typeof OriginGovernor.OriginGovernor.Service
  ) => Partial<typeof OriginGovernor.OriginGovernor.Service>
): Layer.Layer<OriginGovernor.OriginGovernor> =>
  Layer.effect(
    OriginGovernor.OriginGovernor,
    Effect.map(OriginGovernor.make({}), (governor) => ({ ...governor, ...change(governor) }))
  )

const downloaderOver = (
  ports: Layer.Layer<Transport | Store | OriginGovernor.OriginGovernor | MemoryStore.MemoryFiles>
) => Downloader.layerWith({ segments: 4, retry: RetryPolicy.none }).pipe(Layer.provideMerge(ports))

const start = (given: Partial<Parameters<typeof Download.request>[0]> = {}) =>
  Effect.flatMap(Downloader.Downloader, (downloader) =>
    Effect.fork(
      downloader.download(
        Download.request({ url: "http://origin.test/file", destination: "file", timeout: "1 hour", ...given })
      )
    )
  )

/** Lets all fibers run that need no time. */
const settle = Effect.repeatN(Effect.yieldNow(), 50)

const pass = (millis: number) => Effect.zipRight(TestClock.adjust(millis), settle)

/** Calls `onChange` with 1 when a sleep begins, and with -1 when it ends. */
const withSleeps =
  (onChange: (change: 1 | -1) => void) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.clockWith((clock) =>
      Effect.withClock(
        effect,
        Object.assign(Object.create(clock), {
          sleep: (duration: Duration.Duration) =>
            Effect.acquireUseRelease(
              Effect.sync(() => onChange(1)),
              () => clock.sleep(duration),
              () => Effect.sync(() => onChange(-1))
            )
        })
      )
    )

/** Begins a download, until the first 64 KiB have arrived. */
const begin = (sent: Array<Sent>, given?: Partial<Parameters<typeof Download.request>[0]>) =>
  Effect.gen(function* () {
    const fiber = yield* start(given)
    yield* settle
    sent[0]?.head()
    yield* settle
    sent[0]?.bytes(0, 64 * 1024)
    yield* settle
    return fiber
  })

/** Begins a download whose first response is slow, until it has requested its segments. */
const divide = (sent: Array<Sent>, given?: Partial<Parameters<typeof Download.request>[0]>) =>
  Effect.gen(function* () {
    const fiber = yield* begin(sent, given)
    yield* pass(1000)
    assert.isAbove(sent.length, 1)
    return fiber
  })

const at = (sent: ReadonlyArray<Sent>, index: number): Sent => {
  const one = sent[index]
  assert.isDefined(one)
  return one
}

/** Sends the whole range of a segment. */
const answer = (one: Sent): void => {
  one.head()
  one.bytes(one.range.startBytes, one.range.endBytes)
  one.end()
}

/** Sends the whole range of each segment but the first, also of those that begin meanwhile. */
const answerOthers = (sent: ReadonlyArray<Sent>) =>
  Effect.gen(function* () {
    for (let index = 1; index < Math.min(sent.length, 100); index++) {
      answer(at(sent, index))
      yield* settle
    }
  })

const nothingIsLeft = (sent: ReadonlyArray<Sent>) =>
  Effect.gen(function* () {
    assert.deepStrictEqual(
      sent.filter(({ isClosed }) => !isClosed).map(({ range }) => range),
      []
    )
    const governor = yield* OriginGovernor.OriginGovernor
    assert.strictEqual(governor.inUse().permits, 0)
    assert.strictEqual(yield* Effect.flatMap(MemoryStore.MemoryFiles, ({ parts }) => parts), 0)
  })

describe("a transport", () => {
  it.effect("that dies when it sends leaves no time limit behind", () => {
    const sent: Array<Sent> = []
    let sleeping = 0
    return Effect.gen(function* () {
      const fiber = yield* start()
      yield* settle
      const exit = yield* Fiber.await(fiber)
      yield* settle
      assert.isTrue(Exit.isFailure(exit) && Cause.isDie(exit.cause))
      assert.strictEqual(sleeping, 0)
      yield* nothingIsLeft([])
    }).pipe(
      Effect.provide(
        downloaderOver(
          Layer.mergeAll(
            transport(sent, () => Effect.zipRight(Effect.yieldNow(), Effect.dieMessage("a bug"))),
            MemoryStore.layer,
            OriginGovernor.layer()
          )
        )
      ),
      withSleeps((change) => {
        sleeping += change
      })
    )
  })

  it.effect("that dies when it sends the request of a segment fails the transfer at once", () => {
    const sent: Array<Sent> = []
    return Effect.gen(function* () {
      const fiber = yield* divide(sent)
      const exit = yield* Fiber.poll(fiber)
      assert.isTrue(exit._tag === "Some" && Exit.isFailure(exit.value) && Cause.isDie(exit.value.cause))
      yield* nothingIsLeft(sent.slice(0, 1))
    }).pipe(
      Effect.provide(
        downloaderOver(
          Layer.mergeAll(
            transport(sent, (one, index) => (index === 0 ? Exit.succeed(one) : Effect.dieMessage("a bug"))),
            MemoryStore.layer,
            OriginGovernor.layer()
          )
        )
      )
    )
  })
})

describe("segments", () => {
  it.effect("that take over the rest of a silent response complete the file when its last write has ended", () => {
    const sent: Array<Sent> = []
    let isSlow = false
    const ports = Layer.mergeAll(
      transport(sent),
      memoryStoreWith((part) => ({
        write: (chunk, positionBytes) =>
          isSlow
            ? Effect.zipRight(Effect.sleep("2 seconds"), part.write(chunk, positionBytes))
            : part.write(chunk, positionBytes)
      })),
      OriginGovernor.layer()
    )
    return Effect.gen(function* () {
      const fiber = yield* divide(sent)
      isSlow = true
      at(sent, 0).bytes(64 * 1024, 128 * 1024)
      yield* pass(1000)
      isSlow = false
      yield* answerOthers(sent)
      assert.strictEqual((yield* Fiber.poll(fiber))._tag, "None")
      yield* pass(1000)
      const exit = yield* Fiber.poll(fiber)
      assert.isTrue(exit._tag === "Some" && Exit.isSuccess(exit.value))
      const { files } = yield* MemoryStore.MemoryFiles
      assert.isTrue(Buffer.from((yield* files).get("file") ?? []).equals(content))
      yield* nothingIsLeft(sent)
    }).pipe(Effect.provide(downloaderOver(ports)))
  })

  it.effect("do not delay an interruption while the file is read back", () => {
    const sent: Array<Sent> = []
    let reads = 0
    const ports = Layer.mergeAll(
      transport(sent),
      memoryStoreWith((part) => ({
        read: (chunk, positionBytes) => {
          reads++
          return Effect.zipRight(Effect.sleep("1 minute"), part.read(chunk, positionBytes))
        }
      })),
      OriginGovernor.layer()
    )
    return Effect.gen(function* () {
      const fiber = yield* divide(sent, { digest })
      yield* pass(10)
      yield* answerOthers(sent)
      assert.strictEqual(reads, 1)
      yield* Fiber.interruptFork(fiber)
      yield* settle
      assert.strictEqual((yield* Fiber.poll(fiber))._tag, "Some")
      yield* nothingIsLeft(sent)
    }).pipe(Effect.provide(downloaderOver(ports)))
  })

  it.effect("give a permit back that was wanted before they got it", () => {
    const sent: Array<Sent> = []
    let idle = 0
    const ports = Layer.mergeAll(
      transport(sent),
      MemoryStore.layer,
      governorWith((governor) => ({
        tryAcquireIdle: (origin, onWanted, options) => {
          const permit = governor.tryAcquireIdle(origin, onWanted, options)
          idle++
          onWanted()
          return permit
        }
      }))
    )
    return Effect.gen(function* () {
      const fiber = yield* begin(sent)
      const first = at(sent, 0)
      yield* pass(150)
      assert.isAbove(idle, 0)
      const governor = yield* OriginGovernor.OriginGovernor
      assert.strictEqual(governor.inUse().permits, 1)
      assert.strictEqual(sent.length, 1)
      first.bytes(64 * 1024, content.length)
      first.end()
      yield* settle
      yield* Fiber.join(fiber)
      yield* nothingIsLeft(sent)
    }).pipe(Effect.provide(downloaderOver(ports)))
  })

  it.effect("write no chunk during which their permit was wanted after they have ended", () => {
    const sent: Array<Sent> = []
    const wanted: Array<() => void> = []
    let isWanting = false
    let late = 0
    const ports = Layer.mergeAll(
      transport(sent),
      memoryStoreWith((part) => ({
        write: (chunk, positionBytes) =>
          Effect.suspend(() => {
            late += sent.some(
              ({ isClosed, range }) => isClosed && positionBytes >= range.startBytes && positionBytes < range.endBytes
            )
              ? 1
              : 0
            return Effect.zipRight(Effect.yieldNow(), part.write(chunk, positionBytes))
          })
      })),
      governorWith((governor) => ({
        tryAcquireIdle: (origin, onWanted, options) => {
          wanted.push(onWanted)
          return governor.tryAcquireIdle(origin, onWanted, options)
        },
        restMillis: () => {
          if (isWanting) {
            isWanting = false
            wanted[0]?.()
          }
          return 0
        }
      }))
    )
    return Effect.gen(function* () {
      const fiber = yield* divide(sent)
      const one = at(sent, 1)
      one.head()
      isWanting = true
      one.bytes(one.range.startBytes, one.range.startBytes + 1024)
      yield* settle
      assert.isTrue(one.isClosed)
      assert.strictEqual(late, 0)
      yield* Fiber.interrupt(fiber)
      yield* nothingIsLeft(sent)
    }).pipe(Effect.provide(downloaderOver(ports)))
  })

  it.effect("request nothing more while an interrupted transfer waits for a write", () => {
    const sent: Array<Sent> = []
    let isSlow = false
    const ports = Layer.mergeAll(
      transport(sent),
      memoryStoreWith((part) => ({
        write: (chunk, positionBytes) =>
          isSlow
            ? Effect.uninterruptible(Effect.zipRight(Effect.sleep("1 second"), part.write(chunk, positionBytes)))
            : part.write(chunk, positionBytes)
      })),
      OriginGovernor.layer()
    )
    return Effect.gen(function* () {
      const fiber = yield* divide(sent)
      const requests = sent.length
      const [, second, third] = sent
      isSlow = true
      second?.head()
      second?.bytes(second.range.startBytes, second.range.startBytes + 1024)
      yield* settle
      isSlow = false
      yield* Fiber.interruptFork(fiber)
      yield* settle
      assert.isDefined(third)
      answer(third)
      yield* settle
      yield* pass(1000)
      yield* Fiber.await(fiber)
      assert.strictEqual(sent.length, requests)
      yield* nothingIsLeft(sent)
    }).pipe(Effect.provide(downloaderOver(ports)))
  })
})

describe("a store", () => {
  it.effect("that cannot publish for a moment does not decide the outcome of the next attempt", () => {
    const sent: Array<Sent> = []
    let published = 0
    const ports = Layer.mergeAll(
      transport(sent),
      memoryStoreWith(() => ({
        publish: () => {
          published++
          return Exit.fail(new Disk({ path: "file", reason: "too-many-open", detail: "" }))
        }
      })),
      OriginGovernor.layer()
    )
    return Effect.gen(function* () {
      const fiber = yield* start()
      yield* settle
      const first = at(sent, 0)
      first.head()
      yield* settle
      first.bytes(0, content.length)
      first.end()
      yield* settle
      assert.strictEqual(published, 1)
      yield* pass(60_000)
      at(sent, 1).head(404)
      yield* settle
      const error = yield* Effect.flip(Fiber.join(fiber))
      assert.deepInclude(error, { _tag: "HttpStatus", status: 404 })
      yield* nothingIsLeft(sent)
    }).pipe(
      Effect.provide(Downloader.layerWith({ retry: RetryPolicy.make({ retries: 3 }) }).pipe(Layer.provideMerge(ports)))
    )
  })
})
