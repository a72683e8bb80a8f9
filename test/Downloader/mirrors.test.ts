/**
 * Several URLs of one content.
 */
import { createHash } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import * as Download from "../../src/Download.js"
import * as Downloader from "../../src/Downloader.js"
import * as OriginGovernor from "../../src/OriginGovernor.js"
import * as Progress from "../../src/Progress.js"
import * as MemoryStore from "../../src/Store/Memory.js"
import { autoAdvance, layer, Origin } from "../../src/testing.js"

const body = "0123456789"

const first = "http://one.test/a?key=s3cret"
const mirrors = ["http://two.test/b", "http://three.test/c"] as const

const sha256 = (content: string) => `sha256:${createHash("sha256").update(content).digest("hex")}`

const request = (options?: Partial<Download.RequestOptions>) =>
  Download.request({ url: first, mirrors, destination: "a", ...options })

const download = (options?: Partial<Download.RequestOptions>) =>
  autoAdvance(Effect.flatMap(Downloader.Downloader, (downloader) => downloader.download(request(options))))

const content = Effect.map(
  Effect.flatMap(MemoryStore.MemoryFiles, ({ files }) => files),
  (files) => new TextDecoder().decode(files.get("a"))
)

/** The host and the range of each request. */
const asked = Effect.map(Origin.Origin, (origin) =>
  origin.requests().map(({ headers, url }) => `${new URL(url).hostname} ${headers["range"] ?? "whole"}`)
)

const retries = Effect.map(
  Effect.flatMap(Progress.Recorded, ({ events }) => events),
  (events) => events.flatMap((event) => (event._tag === "Retrying" ? [event] : []))
)

const host = ({ url }: Origin.Request) => new URL(url).hostname

describe("mirrors", () => {
  it.effect("are not asked if the URL of the request has the file", () =>
    Effect.gen(function* () {
      assert.deepInclude(yield* download(), { _tag: "Saved", url: first, attempts: 1 })
      assert.deepStrictEqual(yield* asked, ["one.test whole"])
    }).pipe(Effect.provide(layer((request) => Origin.file(request, body))))
  )

  it.effect("take the place of a URL that fails for good, and the event says so without secrets", () =>
    Effect.gen(function* () {
      assert.deepInclude(yield* download(), { _tag: "Saved", url: mirrors[1], attempts: 3 })
      assert.deepStrictEqual(yield* asked, ["one.test whole", "two.test whole", "three.test whole"])
      assert.deepStrictEqual(
        (yield* retries).map(({ delayMillis, error, mirror }) => [delayMillis, "url" in error && error.url, mirror]),
        [
          [0, "http://one.test/a?key=…", mirrors[0]],
          [0, mirrors[0], mirrors[1]]
        ]
      )
    }).pipe(
      Effect.provide(
        layer((request) => (host(request) === "three.test" ? Origin.file(request, body) : { status: 404 }))
      )
    )
  )

  it.effect("take the place of a URL when its retries are used up, and have retries of their own", () =>
    Effect.gen(function* () {
      assert.deepInclude(yield* download(), { _tag: "Saved", url: mirrors[0], attempts: 5 })
      assert.deepStrictEqual(yield* asked, [
        ...Array.from({ length: 3 }, () => "one.test whole"),
        "two.test whole",
        "two.test whole"
      ])
    }).pipe(
      Effect.provide(
        layer(
          (request) =>
            host(request) === "one.test" || request.turn === 0 ? { status: 503 } : Origin.file(request, body),
          { retry: { retries: 2 } }
        )
      )
    )
  )

  it.effect("are used if another transfer has found that the origin cannot be reached", () =>
    Effect.gen(function* () {
      yield* download()
      assert.deepInclude(yield* download({ destination: "b" }), { _tag: "Saved", url: mirrors[0] })
      const requests = yield* asked
      assert.strictEqual(requests.filter((one) => one.startsWith("one")).length, 3)
    }).pipe(
      Effect.provide(
        layer((request) => (host(request) === "one.test" ? { instead: "refused" } : Origin.file(request, body)))
      )
    )
  )

  it.effect("fail with the error of the last one if none has the file", () =>
    Effect.gen(function* () {
      assert.deepInclude(yield* Effect.flip(download()), { _tag: "HttpStatus", status: 410, url: mirrors[1] })
      assert.strictEqual((yield* Origin.Origin).open(), 0)
    }).pipe(Effect.provide(layer((request) => ({ status: host(request) === "three.test" ? 410 : 404 }))))
  )

  it.effect("get the headers of the request only if they are of its origin", () =>
    Effect.gen(function* () {
      yield* download({
        mirrors: ["http://two.test/b", "http://one.test/other"],
        headers: { authorization: "s3cret" }
      })
      const sent = (yield* Origin.Origin).requests()
      assert.deepStrictEqual(
        sent.map(({ headers, isCrossOrigin }) => [headers["authorization"], isCrossOrigin]),
        [
          ["s3cret", false],
          [undefined, true],
          ["s3cret", false]
        ]
      )
    }).pipe(
      Effect.provide(layer((request) => (request.url.endsWith("other") ? Origin.file(request, body) : { status: 404 })))
    )
  )

  for (const [what, etag, otherTag, options, expected] of [
    ["an equal entity tag and length", '"1"', '"1"', {}, "two.test bytes=4-"],
    ["the digest of the request", '"1"', '"2"', { digest: sha256(body) }, "two.test bytes=4-"],
    ["nothing", undefined, undefined, {}, "two.test whole"]
  ] as const) {
    it.effect(`keep received bytes or start over: proved by ${what}`, () =>
      Effect.gen(function* () {
        assert.deepInclude(yield* download(options), { _tag: "Saved", bytes: 10 })
        assert.strictEqual(yield* content, body)
        assert.strictEqual((yield* asked).at(-1), expected)
      }).pipe(
        Effect.provide(
          layer(
            (request) =>
              host(request) === "one.test"
                ? Origin.file(request, body, { etag, breakAt: { bytes: 4, how: "reset" } })
                : Origin.file(request, body, { etag: otherTag }),
            { retry: { retries: 0 } }
          )
        )
      )
    )
  }

  it.effect("with another content start over", () =>
    Effect.gen(function* () {
      assert.deepInclude(yield* download(), { _tag: "Saved", bytes: 10, etag: '"2"' })
      assert.strictEqual(yield* content, "abcdefghij")
    }).pipe(
      Effect.provide(
        layer(
          (request) =>
            host(request) === "one.test"
              ? Origin.file(request, body, { etag: '"1"', breakAt: { bytes: 4, how: "reset" } })
              : Origin.file(request, "abcdefghij", { etag: '"2"' }),
          { retry: { retries: 0 } }
        )
      )
    )
  )

  it.effect("with another content than the digest says are given up", () =>
    Effect.gen(function* () {
      assert.deepInclude(yield* download({ digest: sha256(body) }), { _tag: "Saved", url: mirrors[1] })
      assert.strictEqual(yield* content, body)
      assert.deepStrictEqual(
        (yield* retries).map(({ error }) => error._tag),
        ["Mismatch", "Mismatch"]
      )
    }).pipe(
      Effect.provide(
        layer(
          (request) =>
            host(request) === "one.test"
              ? Origin.file(request, "01234xxxxx")
              : host(request) === "two.test"
                ? Origin.file(request, "abcdefghij")
                : Origin.file(request, body),
          { retry: { retries: 1 } }
        )
      )
    )
  )

  it.effect("continue a stream", () =>
    Effect.gen(function* () {
      const downloader = yield* Downloader.Downloader
      const { destination: _, ...options } = { destination: "", url: first, mirrors, digest: sha256(body) }
      const chunks = yield* autoAdvance(Stream.runCollect(downloader.stream(options)))
      assert.strictEqual(Buffer.concat(Array.from(chunks)).toString(), body)
      assert.deepStrictEqual(yield* asked, ["one.test whole", "two.test bytes=4-"])
    }).pipe(
      Effect.provide(
        layer(
          (request) =>
            host(request) === "one.test"
              ? Origin.file(request, body, { breakAt: { bytes: 4, how: "reset" } })
              : Origin.file(request, body),
          { retry: { retries: 0 } }
        )
      )
    )
  )

  it.effect("are not asked after the deadline, or after a fault of the disk", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(download({ deadline: "1 second" }))
      assert.deepInclude(error, { _tag: "Timeout", phase: "deadline" })
      assert.deepStrictEqual(yield* asked, ["one.test whole"])
    }).pipe(Effect.provide(layer(() => ({ instead: "silence" }))))
  )

  it.effect("are asked within the limits of their own origins", () =>
    Effect.gen(function* () {
      const downloader = yield* Downloader.Downloader
      const governor = yield* OriginGovernor.OriginGovernor
      const fiber = yield* Effect.fork(downloader.download(request()))
      const origin = yield* Origin.Origin
      yield* Effect.repeat(Effect.yieldNow(), { until: () => origin.open("http://two.test") === 1 })
      assert.strictEqual(governor.inUse("http://one.test").permits, 0)
      assert.strictEqual(governor.inUse("http://two.test").permits, 1)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual((yield* fiber.await)._tag, "Success")
    }).pipe(
      Effect.provide(
        layer((request) =>
          host(request) === "one.test" ? { status: 404 } : Origin.file(request, body, { delay: "1 second" })
        )
      ),
      Effect.provide(OriginGovernor.layer({}))
    )
  )

  it("are checked, and encoded without secrets", () => {
    assert.deepInclude(JSON.parse(JSON.stringify(request({ mirrors: [new URL("http://two.test/?key=s3cret")] }))), {
      mirrors: ["http://two.test/?key=…"]
    })
  })

  for (const [options, detail] of [
    [{ mirrors: ["http://two.test/", "ftp://three.test/"] }, "a mirror: ftp: is neither http: nor https:"],
    [{ method: "POST" }, "only a GET without a body has mirrors"]
  ] as const) {
    it.effect(`are refused: ${detail}`, () =>
      Effect.gen(function* () {
        assert.deepInclude(yield* Effect.flip(download(options)), { _tag: "InvalidRequest", detail })
      }).pipe(Effect.provide(layer(() => ({}))))
    )
  }
})
