/**
 * An origin whose responses say that the quota of the client is used up.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Download from "../../src/Download.js"
import * as Downloader from "../../src/Downloader.js"
import * as Progress from "../../src/Progress.js"
import { autoAdvance, layer, Origin } from "../../src/testing.js"

const requestTo = (url: string) => Download.request({ url, destination: url.replace(/\W/g, "-") })

const urls = (origin: string, count: number) =>
  Array.from({ length: count }, (_, index) => `http://${origin}.test/${index}`)

/** Downloads the URLs, and returns the times of the requests in seconds, the events `Paused` and the tags of the outcomes. */
const run = (all: ReadonlyArray<string>, concurrency: number) =>
  Effect.gen(function* () {
    const paused: Array<readonly [origin: string, pauseMillis: number]> = []
    const progress = Progress.layer((event) =>
      Effect.sync(() => {
        if (event._tag === "Paused") {
          paused.push([event.origin, event.pauseMillis])
        }
      })
    )
    const downloader = yield* Downloader.Downloader
    const outcomes = yield* downloader
      .run(Stream.fromIterable(all.map(requestTo)), { concurrency })
      .pipe(Stream.runCollect, autoAdvance, Effect.provide(progress))
    const requests = (yield* Origin.Origin).requests()
    return {
      paused,
      tags: Array.from(outcomes, ({ _tag }) => _tag),
      times: requests.map(({ atMillis, url }) => [new URL(url).hostname, Math.round(atMillis / 1000)] as const),
      open: (yield* Origin.Origin).open()
    }
  })

const usedUp = { ratelimit: '"default";r=0;t=30', "content-length": "0" }

describe("an origin whose quota is used up", () => {
  it.effect("is left alone until the reset, which is reported once, while other origins go on", () =>
    Effect.gen(function* () {
      const { open, paused, tags, times } = yield* run([...urls("a", 8), ...urls("b", 8)], 4)
      assert.deepStrictEqual(paused, [["http://a.test", 30_000]])
      assert.deepStrictEqual(
        tags.filter((tag) => tag !== "Saved"),
        []
      )
      assert.deepStrictEqual(
        times.filter(([host, at]) => host === "b.test" && at > 1),
        []
      )
      assert.deepStrictEqual(
        times.flatMap(([host, at]) => (host === "a.test" ? [at] : [])),
        [0, 0, 0, 0, 30, 30, 30, 30]
      )
      assert.strictEqual(open, 0)
    }).pipe(
      Effect.provide(
        layer(({ atMillis, url }) =>
          url.startsWith("http://a.test") && atMillis < 1000 ? { headers: usedUp } : { body: "content" }
        )
      )
    )
  )

  it.effect("is left alone as long as Retry-After is obeyed at most", () =>
    Effect.gen(function* () {
      const { paused, times } = yield* run(urls("a", 2), 1)
      assert.deepStrictEqual(paused, [
        ["http://a.test", 120_000],
        ["http://a.test", 120_000]
      ])
      assert.deepStrictEqual(
        times.map(([, at]) => at),
        [0, 120]
      )
    }).pipe(Effect.provide(layer(() => ({ headers: { ...usedUp, ratelimit: '"a";r=0;t=999999999' } }))))
  )

  it.effect("is asked again after the reset if it answered 429 without Retry-After, and after a redirect", () =>
    Effect.gen(function* () {
      const { paused, tags, times } = yield* run(["http://a.test/limited", "http://a.test/moved"], 1)
      assert.deepStrictEqual(tags, ["Saved", "Saved"])
      assert.strictEqual(paused.length, 2)
      assert.deepStrictEqual(
        times.map(([, at]) => at),
        [0, 30, 60, 60]
      )
    }).pipe(
      Effect.provide(
        layer(({ turn, url }) =>
          url.endsWith("/limited")
            ? turn === 0
              ? { status: 429, headers: usedUp }
              : { body: "content" }
            : url.endsWith("/moved")
              ? { status: 302, headers: { ...usedUp, location: "/target" } }
              : { body: "content" }
        )
      )
    )
  )

  it.effect("is not left alone for quotas that are not used up", () =>
    Effect.gen(function* () {
      const { paused, times } = yield* run(urls("a", 5), 1)
      assert.deepStrictEqual(paused, [])
      assert.isTrue(times.every(([, at]) => at === 0))
    }).pipe(Effect.provide(layer(() => ({ headers: { ...usedUp, ratelimit: '"default";r=1;t=30' } }))))
  )
})
