/**
 * Origins that do not answer: few retries, and only one transfer at a time tries.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import * as Download from "../../src/Download.js"
import * as Downloader from "../../src/Downloader.js"
import * as RetryPolicy from "../../src/RetryPolicy.js"
import * as MemoryStore from "../../src/Store/Memory.js"
import { fromCause } from "../../src/Transport/httpClientErrors.js"
import { autoAdvance, layer, Origin } from "../../src/testing.js"

const dead = "http://dead.test"

const request = (url: string) => Download.request({ url, destination: encodeURIComponent(url) })

const download = (url: string) => Effect.flatMap(Downloader.Downloader, ({ download }) => download(request(url)))

const many = (count: number, origin = dead) => Array.from({ length: count }, (_, index) => `${origin}/${index}`)

/** Their outcomes in the order of completion. */
const run = (urls: ReadonlyArray<string>, concurrency = 8) =>
  Effect.flatMap(Downloader.Downloader, ({ run }) =>
    Effect.map(Stream.runCollect(run(Stream.fromIterable(urls.map(request)), { concurrency })), Chunk.toReadonlyArray)
  )

const reasonOf = (outcome: Download.DownloadOutcome | undefined) =>
  outcome?._tag === "Failed" && outcome.error._tag === "Connection" ? outcome.error.reason : outcome?._tag

const tried = Effect.map(Origin.Origin, ({ requests }) => requests().filter(({ url }) => url.startsWith(dead)))

const later = (url: string) => (url.startsWith(dead) ? ({ instead: "refused" } as const) : undefined)

describe("an origin that cannot be reached", () => {
  it("has a cause: a name that does not exist, or one that cannot be resolved now", () => {
    const reason = (code: string) => {
      const error = fromCause(`${dead}/`, { code })
      return error._tag === "Connection" ? error.reason : undefined
    }
    assert.deepStrictEqual([reason("ENOTFOUND"), reason("EAI_AGAIN")], ["unknown-host", "dns"])
  })

  for (const instead of ["unknown-host", "refused"] as const) {
    it.effect(`fails within two seconds: ${instead}`, () =>
      Effect.gen(function* () {
        const error = yield* autoAdvance(Effect.flip(download(`${dead}/a`)))
        assert.deepInclude(error, { _tag: "Connection", reason: instead })
        assert.isAtMost(yield* Clock.currentTimeMillis, 2000)
        assert.strictEqual((yield* tried).length, 3)
      }).pipe(Effect.provide(layer(() => ({ instead }))))
    )
  }

  it.effect("has all its retries if its name cannot be resolved now, or if it has answered before", () =>
    Effect.gen(function* () {
      yield* autoAdvance(Effect.flip(download(`${dead}/a`)))
      assert.strictEqual((yield* tried).length, 6)
      const url = "http://restarts.test/a"
      yield* autoAdvance(download(url))
      assert.deepInclude(yield* autoAdvance(download(`${url}/b`)), { _tag: "Saved", attempts: 6 })
    }).pipe(
      Effect.provide(
        layer((asked) =>
          asked.url.startsWith(dead)
            ? { instead: "dns" }
            : asked.url.endsWith("b") && asked.turn < 5
              ? { instead: "refused" }
              : Origin.file(asked, "content")
        )
      )
    )
  )

  it.effect("costs a list of URLs as much as one URL", () =>
    Effect.gen(function* () {
      const outcomes = yield* autoAdvance(run(many(600)))
      assert.strictEqual(outcomes.length, 600)
      assert.isTrue(outcomes.every((outcome) => reasonOf(outcome) === "refused"))
      // The requests in flight at the beginning, and the attempts of one transfer.
      assert.isAtMost((yield* tried).length, 8 + 3)
      assert.isAtMost(yield* Clock.currentTimeMillis, 2000)
      const urls = outcomes.flatMap((one) => (one._tag === "Failed" && "url" in one.error ? [one.error.url] : []))
      assert.strictEqual(new Set(urls).size, 600)
    }).pipe(Effect.provide(layer(() => ({ instead: "refused" }))))
  )

  it.effect("is tried by one transfer at a time, for which the others wait, except those of other origins", () =>
    Effect.gen(function* () {
      const urls = [...many(20), ...many(20, "http://other.test")]
      const outcomes = yield* autoAdvance(run(urls))
      assert.isTrue(outcomes.slice(0, 20).every(({ _tag }) => _tag === "Saved"))
      assert.isTrue(outcomes.slice(20).every((outcome) => reasonOf(outcome) === "dns"))
      // Each takes a minute. After the first eight, each begins when the previous one has ended.
      const at = (yield* tried).slice(8).map(({ atMillis }) => atMillis)
      assert.isAtMost(at.length, 6)
      for (const [index, one] of at.slice(1).entries()) {
        assert.isAtLeast(one - (at[index] ?? 0), 60_000)
      }
    }).pipe(
      Effect.provide(
        layer((asked) =>
          asked.url.startsWith(dead) ? { delay: "1 minute", instead: "dns" } : Origin.file(asked, "content")
        )
      )
    )
  )

  it.effect("is used again when it answers again", () =>
    Effect.gen(function* () {
      yield* autoAdvance(Effect.flip(download(`${dead}/a`)))
      assert.strictEqual((yield* tried).length, 3)
      // No further request for a moment.
      yield* Effect.flip(download(`${dead}/b`))
      assert.strictEqual((yield* tried).length, 3)
      yield* TestClock.adjust("2 seconds")
      const [...outcomes] = yield* autoAdvance(run(many(10)))
      assert.isTrue(outcomes.every(({ _tag }) => _tag === "Saved"))
    }).pipe(
      Effect.provide(layer((asked) => (asked.atMillis < 2000 ? { instead: "refused" } : Origin.file(asked, "content"))))
    )
  )

  it.effect("lets all transfers continue when the one that tries it gets a response", () =>
    Effect.gen(function* () {
      const outcomes = yield* autoAdvance(run(many(50)))
      assert.isTrue(outcomes.every(({ _tag }) => _tag === "Saved"))
      assert.isAtMost(yield* Clock.currentTimeMillis, 3000)
    }).pipe(
      Effect.provide(layer((asked) => (asked.atMillis < 100 ? { instead: "refused" } : Origin.file(asked, "content"))))
    )
  )

  it.effect("is tried by another transfer when the one that tries it is interrupted", () =>
    Effect.gen(function* () {
      const first = yield* Effect.fork(download(`${dead}/a`))
      yield* TestClock.adjust("1 second")
      const second = yield* Effect.fork(Effect.either(download(`${dead}/b`)))
      yield* TestClock.adjust("1 second")
      assert.isTrue((yield* tried).every(({ url }) => url.endsWith("a")))
      yield* Fiber.interrupt(first)
      yield* autoAdvance(Fiber.join(second))
      assert.isTrue((yield* tried).some(({ url }) => url.endsWith("b")))
    }).pipe(
      Effect.provide(
        layer((asked) => (asked.turn === 0 ? { instead: "dns" } : { instead: "silence" }), {
          headersTimeout: "1 minute",
          retry: RetryPolicy.make({ retries: 1 })
        })
      )
    )
  )

  it.effect("is no more tried after sixteen transfers that it took and never answered", () =>
    Effect.gen(function* () {
      const outcomes = yield* autoAdvance(run(many(100), 1))
      assert.isTrue(outcomes.every((one) => one._tag === "Failed" && one.error._tag === "Timeout"))
      assert.strictEqual((yield* tried).length, 16)
    }).pipe(
      Effect.provide(layer(() => ({ instead: "silence" }), { retry: RetryPolicy.none, headersTimeout: "10 seconds" }))
    )
  )

  it.effect("is not one that resets the first URLs of a list and answers the others, whatever it answers", () =>
    Effect.gen(function* () {
      const outcomes = yield* autoAdvance(run(many(60), 1))
      const isBad = (outcome: Download.DownloadOutcome) => Number(outcome.request.url.slice(dead.length + 1)) < 40
      const [bad, good] = [outcomes.filter(isBad), outcomes.filter((outcome) => !isBad(outcome))]
      assert.isTrue(bad.every((outcome) => reasonOf(outcome) === "reset"))
      assert.deepStrictEqual(
        new Set(
          good.map((one) => (one._tag === "Failed" && one.error._tag === "HttpStatus" ? one.error.status : one._tag))
        ),
        new Set([404, "Saved"])
      )
      // A retry waits for no request of another URL.
      assert.isAtMost(yield* Clock.currentTimeMillis, 20_000)
    }).pipe(
      Effect.provide(
        layer((asked) => {
          const index = Number(asked.url.slice(dead.length + 1))
          return index < 40 ? { instead: "reset" } : index < 50 ? { status: 404 } : Origin.file(asked, "content")
        })
      )
    )
  )

  for (const first of [
    { status: 404 },
    { status: 503 },
    { status: 302, headers: { location: "http://other.test/" } }
  ]) {
    it.effect(`is not one that has ever answered: ${first.status}`, () =>
      Effect.gen(function* () {
        yield* autoAdvance(Effect.either(download(`${dead}/first`)))
        yield* autoAdvance(run(many(20), 1))
        const saved = yield* autoAdvance(run([`${dead}/good`]))
        assert.deepStrictEqual(
          saved.map(({ _tag }) => _tag),
          ["Saved"]
        )
      }).pipe(
        Effect.provide(
          layer(
            (asked) =>
              asked.url.endsWith("first")
                ? first
                : asked.url.endsWith("good") || !asked.url.startsWith(dead)
                  ? Origin.file(asked, "content")
                  : { instead: "refused" },
            { retry: RetryPolicy.none }
          )
        )
      )
    )
  }

  it.effect("is not one that has answered: when a transfer has given up, the next one has all its retries", () =>
    Effect.gen(function* () {
      yield* autoAdvance(download(`${dead}/a`))
      assert.deepInclude(yield* autoAdvance(Effect.flip(download(`${dead}/down`))), { reason: "refused" })
      assert.deepInclude(yield* autoAdvance(download(`${dead}/b`)), { _tag: "Saved", attempts: 6 })
    }).pipe(
      Effect.provide(
        layer((asked) =>
          asked.url.endsWith("down") || (asked.url.endsWith("b") && asked.turn < 5)
            ? { instead: "refused" }
            : Origin.file(asked, "content")
        )
      )
    )
  )

  it.effect("is not one that has answered: an outage of 20 seconds costs those alone that are under way", () =>
    Effect.gen(function* () {
      const outcomes = yield* autoAdvance(run(many(150), 4))
      const failed = outcomes.filter(({ _tag }) => _tag === "Failed")
      assert.isAtLeast(failed.length, 1)
      assert.isTrue(failed.every((outcome) => reasonOf(outcome) === "refused"))
      // A run begins at most 80 at a time, each of which has retries for 8 to 16 seconds.
      assert.isAtMost(failed.length, 100)
    }).pipe(
      Effect.provide(
        layer((asked) =>
          asked.atMillis > 1000 && asked.atMillis < 21_000
            ? { instead: "refused" }
            : Origin.file(asked, "content", { delay: "40 millis" })
        )
      )
    )
  )

  it.effect("delays no request beyond its deadline", () =>
    Effect.gen(function* () {
      const first = yield* Effect.fork(Effect.either(download(`${dead}/a`)))
      yield* TestClock.adjust("1 second")
      const error = yield* autoAdvance(
        Effect.flip(
          Effect.flatMap(Downloader.Downloader, ({ download }) =>
            download(Download.request({ url: `${dead}/b`, destination: "b", deadline: "5 seconds" }))
          )
        )
      )
      assert.deepInclude(error, { _tag: "Timeout", phase: "deadline" })
      assert.strictEqual(yield* Clock.currentTimeMillis, 6000)
      yield* Fiber.interrupt(first)
    }).pipe(Effect.provide(layer((asked) => (asked.turn === 0 ? { instead: "dns" } : { instead: "silence" }))))
  )

  it.effect("is remembered by one downloader: another downloader tries it again", () =>
    Effect.gen(function* () {
      const once = Effect.flip(download(`${dead}/a`)).pipe(
        Effect.provide(Layer.fresh(Downloader.layerWith({ retry: RetryPolicy.none })))
      )
      yield* once
      yield* once
      assert.strictEqual((yield* tried).length, 2)
    }).pipe(
      Effect.provide(
        Layer.merge(
          Origin.layer((asked) => later(asked.url) ?? {}),
          MemoryStore.layer
        )
      )
    )
  )
})
