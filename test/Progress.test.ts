import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/TestClock"
import * as Downloader from "../src/Downloader.js"
import * as Progress from "../src/Progress.js"
import * as RetryPolicy from "../src/RetryPolicy.js"
import * as Contracts from "../src/testing/Contracts.js"
import { autoAdvance, layer, Origin } from "../src/testing.js"
import { logging } from "./support/logging.js"
import { runCases } from "./support/runCases.js"
import { download, idOf, request, run, served, show } from "./support/transport/listeners.js"

describe("Progress.layer", () => {
  runCases(Contracts.progress(Progress.layer(() => Effect.yieldNow())))
})

describe("Progress.layerRecording", () => {
  runCases(Contracts.progress(Progress.layerRecording))
})
const slowly = layer((asked) => Origin.file(asked, "0123456789", { chunkBytes: 1, chunkDelay: "1 second" }))

describe("a listener", () => {
  for (const [how, wait] of [
    ["for good", Effect.never],
    ["for an hour", Effect.sleep("1 hour")],
    ["for an hour, uninterruptible", Effect.uninterruptible(Effect.sleep("1 hour"))]
  ] as const) {
    it.effect(`that waits ${how} delays neither a download nor its time limit, nor another caller of the file`, () =>
      Effect.gen(function* () {
        const told: Array<string> = []
        const waiting: typeof Progress.Progress.Service = {
          event: (event) =>
            Effect.zipRight(
              Effect.sync(() => told.push(show(event))),
              wait
            )
        }
        const scope = yield* Scope.make()
        const context = yield* Layer.buildWithScope(slowly, scope)
        const held = download("a").pipe(Effect.provideService(Progress.Progress, waiting), Effect.provide(context))
        const limited = yield* Effect.fork(Effect.timeoutOption(held, "500 millis"))
        const whole = yield* Effect.fork(held)
        const other = yield* Effect.fork(Effect.provide(download("a"), context))
        yield* TestClock.adjust("500 millis")
        assert.strictEqual((yield* Fiber.join(limited))._tag, "None")
        yield* TestClock.adjust("10 seconds")
        assert.strictEqual((yield* Fiber.join(whole))._tag, "Saved")
        assert.strictEqual((yield* Fiber.join(other))._tag, "Saved")
        assert.deepStrictEqual(told, ["a Started"])
        const closing = yield* Effect.fork(Scope.close(scope, Exit.void))
        yield* TestClock.adjust("1 hour")
        yield* Fiber.join(closing)
      }).pipe(Effect.provide(logging().layer))
    )
  }

  it.effect("that waits does not delay a run", () =>
    Effect.gen(function* () {
      const fiber = yield* run([request("a"), request("b")], 1).pipe(
        Effect.provideService(Progress.Progress, { event: () => Effect.never }),
        Effect.fork
      )
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* Fiber.join(fiber)).length, 2)
    }).pipe(Effect.provide(served), Effect.provide(logging().layer))
  )

  for (const [how, listen] of [
    ["when it is called", (take: () => void) => Exit.succeed(take())],
    ["in an effect that does not suspend", (take: () => void) => Effect.sync(take)]
  ] as const) {
    it.effect(`that does its work ${how} has received every event when the download ends`, () =>
      Effect.gen(function* () {
        const told: Array<string> = []
        yield* autoAdvance(
          Effect.zipRight(
            download("a").pipe(
              Effect.provideService(Progress.Progress, {
                event: (event) => listen(() => void told.push(show(event)))
              })
            ),
            Effect.sync(() => told.push("over"))
          )
        )
        assert.deepStrictEqual(told, ["a Started", "a Exchanged", "a Finished Saved", "over"])
      }).pipe(Effect.provide(served))
    )
  }

  it.effect("that is slow receives its events in order, and only the latest Advanced", () =>
    Effect.gen(function* () {
      const told: Array<string> = []
      const fiber = yield* download("a").pipe(
        Effect.provideService(Progress.Progress, {
          event: (event) =>
            Effect.delay(
              Effect.sync(() => void told.push(show(event))),
              "3500 millis"
            )
        }),
        Effect.fork
      )
      yield* TestClock.adjust("1 minute")
      assert.strictEqual((yield* Fiber.join(fiber))._tag, "Saved")
      assert.deepStrictEqual(told, [
        "a Started",
        "a Advanced 3",
        "a Advanced 7",
        "a Advanced 10",
        "a Exchanged",
        "a Finished Saved"
      ])
    }).pipe(Effect.provide(slowly))
  )

  it.effect("receives the events of several downloads one after the other", () =>
    Effect.gen(function* () {
      let [atATime, most] = [0, 0]
      const listening = Effect.provideService(Progress.Progress, {
        event: () =>
          Effect.acquireUseRelease(
            Effect.sync(() => {
              most = Math.max(most, ++atATime)
            }),
            () => Effect.sleep("1 second"),
            () => Effect.sync(() => atATime--)
          )
      })
      const fiber = yield* Effect.fork(
        listening(Effect.all([download("a"), download("b"), download("c")], { concurrency: 3 }))
      )
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(fiber)
      assert.deepStrictEqual([atATime, most], [0, 1])
    }).pipe(Effect.provide(served))
  )

  it.live("that is far too slow misses Started before Finished, and a warning says how many", () => {
    const { layer: logs, logged } = logging()
    return Effect.gen(function* () {
      const gate = yield* Deferred.make<void>()
      const last = yield* Deferred.make<void>()
      const told: Array<string> = []
      // Each request fails at once, with two events.
      const requests = Array.from({ length: 10_000 }, (_, index) => request(`${index}`, { destination: "" }))
      const outcomes = yield* run(requests, 10).pipe(
        Effect.provideService(Progress.Progress, {
          event: (event) =>
            Effect.gen(function* () {
              told.push(event._tag)
              yield* Deferred.await(gate)
              if (idOf(event) === "9999" && event._tag === "Finished") {
                yield* Deferred.succeed(last, undefined)
              }
            })
        })
      )
      assert.strictEqual(outcomes.length, 10_000)
      yield* Deferred.succeed(gate, undefined)
      yield* Deferred.await(last)
      assert.strictEqual(told.filter((tag) => tag === "Finished").length, 10_000)
      const missed = 20_000 - told.length
      assert.isAbove(missed, 0)
      assert.deepStrictEqual(logged, [`WARN A Progress listener was too slow: it missed ${missed} events.`])
    }).pipe(Effect.provide(served), Effect.provide(logs))
  })

  for (const [how, die] of [
    [
      "throws",
      (): Effect.Effect<void> => {
        throw new Error("a bug")
      }
    ],
    ["dies", () => Effect.die("a bug")],
    ["dies later", () => Effect.delay(Effect.die("a bug"), "1 milli")],
    ["is interrupted", () => Effect.interrupt]
  ] as const) {
    it.effect(`that ${how} receives the following events, and no outcome is lost`, () => {
      const { layer: logs, logged } = logging()
      return Effect.gen(function* () {
        let count = 0
        const broken: typeof Progress.Progress.Service = {
          event: () => {
            count++
            return die()
          }
        }
        const outcomes = yield* run(
          ["a", "b", "c"].map((name) => request(name)),
          2
        ).pipe(Effect.provideService(Progress.Progress, broken), autoAdvance)
        assert.deepStrictEqual(
          Array.from(outcomes, ({ _tag }) => _tag),
          ["Saved", "Saved", "Saved"]
        )
        yield* TestClock.adjust("1 second")
        assert.strictEqual(count, 9)
        assert.deepStrictEqual(logged, ["ERROR A Progress listener died of an event. The transfers go on."])
      }).pipe(Effect.provide(served), Effect.provide(logs))
    })
  }

  it.effect("that starts a download itself receives the events of that download afterwards", () =>
    Effect.gen(function* () {
      const downloader = yield* Downloader.Downloader
      const told: Array<string> = []
      const listening: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R> = Effect.provideService(
        Progress.Progress,
        {
          event: (event) =>
            Effect.zipRight(
              Effect.sync(() => told.push(show(event))),
              event._tag === "Started" && event.request.id === "a"
                ? Effect.forkDaemon(listening(downloader.download(request("b"))))
                : Effect.void
            )
        }
      )
      yield* autoAdvance(listening(Effect.zipRight(download("a"), Effect.sleep("1 second"))))
      assert.sameMembers(told, [
        "a Started",
        "a Exchanged",
        "a Finished Saved",
        "b Started",
        "b Exchanged",
        "b Finished Saved"
      ])
    }).pipe(Effect.provide(served))
  )

  for (const [how, fork] of [
    ["fork", Effect.fork],
    ["forkDaemon", Effect.forkDaemon]
  ] as const) {
    for (const suspends of [false, true]) {
      it.effect(
        `keeps the fibers that it forks for one file by ${how}${suspends ? ", after a wait" : ""}, although the limit of another file expires`,
        () =>
          Effect.gen(function* () {
            const done: Array<string> = []
            const following = (name: string) =>
              Effect.delay(
                Effect.sync(() => void done.push(name)),
                "1 hour"
              ).pipe(Effect.interruptible)
            const fiber = yield* run([request("b"), request("silent"), request("c")], 1).pipe(
              Effect.provideService(Progress.Progress, {
                event: (event) =>
                  event._tag === "Finished"
                    ? Effect.zipRight(
                        suspends ? Effect.yieldNow() : Effect.void,
                        Effect.asVoid(fork(following(idOf(event))))
                      )
                    : Effect.void
              }),
              Effect.fork
            )
            yield* TestClock.adjust("1 minute")
            assert.sameMembers(
              Array.from(yield* Fiber.join(fiber), ({ _tag }) => _tag),
              ["Saved", "Failed", "Saved"]
            )
            yield* TestClock.adjust("1 hour")
            assert.sameMembers(done, ["b", "silent", "c"])
          }).pipe(
            Effect.provide(
              layer((asked) => (asked.url.endsWith("silent") ? { instead: "silence" } : Origin.file(asked, "body")), {
                headersTimeout: "10 seconds",
                retry: RetryPolicy.make({ retries: 1 })
              })
            )
          )
      )
    }
  }

  it.effect("has ended its forked fibers when the downloader is closed", () =>
    Effect.gen(function* () {
      let ended = false
      const scope = yield* Scope.make()
      const context = yield* Layer.buildWithScope(served, scope)
      const forked = Effect.ensuring(
        Effect.never,
        Effect.sync(() => {
          ended = true
        })
      )
      const fiber = yield* download("a").pipe(
        Effect.provideService(Progress.Progress, { event: () => Effect.asVoid(Effect.fork(forked)) }),
        Effect.provide(context),
        Effect.fork
      )
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(fiber)
      assert.isFalse(ended)
      yield* Scope.close(scope, Exit.void)
      assert.isTrue(ended)
    })
  )
})
