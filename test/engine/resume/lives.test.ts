/**
 * A transfer that ends early, and the transfer of a later run that continues its part.
 */
import { createHash } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import * as Download from "../../../src/Download.js"
import * as Downloader from "../../../src/Downloader.js"
import * as MemoryStore from "../../../src/Store/Memory.js"
import { Store } from "../../../src/Store.js"
import { autoAdvance, Origin } from "../../../src/testing.js"

const mebibyte = 1024 * 1024

const content = Uint8Array.from({ length: 4 * mebibyte }, (_, index) => (index * 31 + (index >> 12) * 7) & 0xff)

const half = 2 * mebibyte

const url = "http://origin.test/large.bin"

const digest = `sha256:${createHash("sha256").update(content).digest("hex")}`

type Fields = Partial<Parameters<typeof Download.request>[0]>

const request = (given: Fields = {}) => Download.request({ url, destination: "large.bin", resume: true, ...given })

type Script = (request: Origin.Request) => Origin.Reply

const chunkBytes = 64 * 1024

const serve =
  (reply: Parameters<typeof Origin.file>[2] = {}, body: Uint8Array = content): Script =>
  (asked) =>
    Origin.file(asked, body, { etag: '"1"', chunkBytes, ...reply })

/** Sends this number of bytes, and then nothing more. */
const silentAt = (bytes: number, reply: Parameters<typeof Origin.file>[2] = {}): Script =>
  serve({ breakAt: { bytes, how: "silence" }, ...reply })

/** One run, with an origin and a downloader of its own, and the outcome of its request. */
const life = <E>(
  script: Script,
  use: (downloader: typeof Downloader.Downloader.Service) => Effect.Effect<Download.DownloadOutcome, E>,
  options: Downloader.Options = {}
) =>
  Effect.gen(function* () {
    const store = yield* Store
    return yield* Effect.gen(function* () {
      const outcome = yield* Effect.flatMap(Downloader.Downloader, use)
      const origin = yield* Origin.Origin
      assert.strictEqual(origin.open(), 0)
      return { outcome, asked: origin.requests().map(({ headers }) => [headers["range"], headers["if-range"]]) }
    }).pipe(
      Effect.provide(
        Downloader.layerWith({ retry: { retries: 2 }, ...options }).pipe(
          Layer.provideMerge(Layer.mergeAll(Origin.layer(script), Layer.succeed(Store, store)))
        )
      )
    )
  })

const outcomeOf = (downloader: typeof Downloader.Downloader.Service, given?: Fields) =>
  Effect.map(Stream.runHead(downloader.run(Stream.make(request(given)))), (head) =>
    head._tag === "Some" ? head.value : assert.fail("no outcome")
  )

/** Runs to its end. */
const finished = (script: Script, given?: Fields, options?: Downloader.Options) =>
  autoAdvance(life(script, (downloader) => outcomeOf(downloader, given), options))

/** Interrupts the request after a second. */
const interrupted = (script: Script, given?: Fields, options?: Downloader.Options) =>
  life(
    script,
    (downloader) =>
      Effect.gen(function* () {
        const fiber = yield* Effect.fork(downloader.download(request(given)))
        for (let second = 0; second < 20; second++) {
          yield* TestClock.adjust("50 millis")
        }
        assert.strictEqual((yield* Fiber.interrupt(fiber))._tag, "Failure")
        return new Download.Cancelled({ request: request(given) })
      }),
    options
  )

const parts = Effect.flatMap(MemoryStore.MemoryFiles, (memory) => memory.parts)

const isWhole = (expected: Uint8Array = content) =>
  Effect.gen(function* () {
    const { files } = yield* MemoryStore.MemoryFiles
    const found = (yield* files).get("large.bin")
    assert.isTrue(found !== undefined && Buffer.from(found).equals(expected))
    assert.strictEqual(yield* parts, 0)
  })

const test = (title: string, body: Effect.Effect<void, unknown, Store | MemoryStore.MemoryFiles>) =>
  it.effect(title, () => Effect.provide(body, MemoryStore.layer))

describe("the part of an interrupted transfer", () => {
  test(
    "is continued by the same request, with the validator",
    Effect.gen(function* () {
      yield* interrupted(silentAt(half))
      assert.strictEqual(yield* parts, 1)
      const { asked, outcome } = yield* finished(serve())
      assert.deepInclude(outcome, { _tag: "Saved", bytes: content.length, attempts: 1, verified: "length" })
      assert.deepStrictEqual(asked, [[`bytes=${half}-`, '"1"']])
      yield* isWhole()
    })
  )

  test(
    "is continued by a third run after a second that was interrupted too",
    Effect.gen(function* () {
      yield* interrupted(silentAt(half))
      yield* interrupted(silentAt(mebibyte))
      const { asked } = yield* finished(serve())
      assert.deepStrictEqual(asked, [[`bytes=${3 * mebibyte}-`, '"1"']])
      yield* isWhole()
    })
  )

  test(
    "is dropped if the server has another version",
    Effect.gen(function* () {
      yield* interrupted(silentAt(half))
      const other = content.map((byte) => byte ^ 0xff)
      const { asked, outcome } = yield* finished(serve({ etag: '"2"' }, other))
      assert.deepInclude(outcome, { _tag: "Saved", attempts: 1 })
      assert.strictEqual(asked.length, 1)
      yield* isWhole(other)
    })
  )

  test(
    "is dropped if the server sends the range of another version",
    Effect.gen(function* () {
      yield* interrupted(silentAt(half))
      const other = content.map((byte) => byte ^ 0xff)
      const { asked, outcome } = yield* finished((asked) => {
        const { "if-range": _, ...headers } = asked.headers
        return serve({ etag: '"2"' }, other)({ ...asked, headers })
      })
      assert.deepInclude(outcome, { _tag: "Saved", attempts: 2 })
      assert.deepStrictEqual(asked, [
        [`bytes=${half}-`, '"1"'],
        [undefined, undefined]
      ])
      yield* isWhole(other)
    })
  )

  test(
    "has the ranges of segments, and only the others are requested",
    Effect.gen(function* () {
      // 640 KiB a second.
      const slow = { chunkDelay: "100 millis" } as const
      yield* interrupted(serve(slow), {}, { segments: 4 })
      assert.strictEqual(yield* parts, 1)
      const { asked, outcome } = yield* finished(serve(slow), {}, { segments: 1 })
      assert.deepInclude(outcome, { _tag: "Saved" })
      assert.isAbove(asked.length, 1)
      const ends = asked.map(([range = ""]) => /^bytes=(\d+)-(\d*)$/.exec(range)?.slice(1).map(Number) ?? [])
      assert.isTrue(ends.every(([start]) => start !== undefined && start > 0))
      const requested = ends.reduce((sum, [start = 0, last = 0]) => sum + (last || content.length - 1) + 1 - start, 0)
      assert.isBelow(requested, content.length - half / 2)
      yield* isWhole()
    })
  )

  test(
    "is continued from another URL if the request has its digest",
    Effect.gen(function* () {
      yield* interrupted(silentAt(half), { digest })
      const mirror = "http://mirror.test/other.bin"
      const { asked, outcome } = yield* finished(serve({ etag: '"other"' }), { digest, url: mirror })
      assert.deepInclude(outcome, { _tag: "Saved", verified: "digest", attempts: 1 })
      assert.deepStrictEqual(asked, [[`bytes=${half}-`, undefined]])
      yield* isWhole()
    })
  )

  test(
    "is fetched whole if the digest shows that its bytes are wrong",
    Effect.gen(function* () {
      yield* interrupted(silentAt(half), { digest })
      const store = yield* Store
      // Another program has changed a byte.
      const key = createHash("sha256").update(digest).digest("hex")
      const { part, record } = yield* store.open("large.bin", { resume: key })
      assert.isDefined(record)
      yield* part.write(Uint8Array.of(1, 2, 3), 7)
      yield* part.checkpoint(record ?? "", "full")
      yield* part.close("keep")
      const { asked, outcome } = yield* finished(serve(), { digest })
      assert.deepInclude(outcome, { _tag: "Saved", verified: "digest", attempts: 2 })
      assert.deepStrictEqual(
        asked.map(([range]) => range),
        [`bytes=${half}-`, undefined]
      )
      yield* isWhole()
    })
  )

  test(
    "belongs to one URL without a digest",
    Effect.gen(function* () {
      yield* interrupted(silentAt(half))
      const { asked } = yield* finished(serve(), { url: `${url}?other` })
      assert.deepStrictEqual(asked, [[undefined, undefined]])
    })
  )

  test(
    "is not kept if nothing identifies its version, if it is small, or if the request does not resume",
    Effect.gen(function* () {
      yield* interrupted(silentAt(half, { etag: undefined }))
      yield* interrupted(silentAt(half, { etag: 'W/"1"' }))
      yield* interrupted(silentAt(half, { headers: { "accept-ranges": "none" } }))
      yield* interrupted(silentAt(64 * 1024))
      yield* interrupted(silentAt(half), { resume: false })
      assert.strictEqual(yield* parts, 0)
    })
  )

  test(
    "is not used if its record cannot be read",
    Effect.gen(function* () {
      const store = yield* Store
      const key = createHash("sha256").update(url).digest("hex")
      const { part } = yield* store.open("large.bin", { resume: key })
      yield* part.write(new Uint8Array(half), 0)
      yield* part.checkpoint("{}", "full")
      yield* part.close("keep")
      const { asked } = yield* finished(serve())
      assert.deepStrictEqual(asked, [[undefined, undefined]])
      yield* isWhole()
    })
  )

  test(
    "that has all bytes is proven by the last one",
    Effect.gen(function* () {
      const key = createHash("sha256").update(url).digest("hex")
      yield* interrupted(silentAt(half))
      const store = yield* Store
      const { part, record = "" } = yield* store.open("large.bin", { resume: key })
      yield* part.write(content.subarray(half), half)
      yield* part.checkpoint(JSON.stringify({ ...JSON.parse(record), ranges: [[0, content.length]] }), "full")
      yield* part.close("keep")
      const { asked, outcome } = yield* finished(serve())
      assert.deepInclude(outcome, { _tag: "Saved", bytes: content.length })
      assert.deepStrictEqual(asked, [[`bytes=${content.length - 1}-`, '"1"']])
      yield* isWhole()
    })
  )
})

describe("the part of a transfer that fails", () => {
  const brokenThen =
    (later: Script): Script =>
    (asked) =>
      asked.turn === 0 ? serve({ breakAt: { bytes: half, how: "reset" } })(asked) : later(asked)

  for (const [what, later] of [
    ["503 Service Unavailable", () => ({ status: 503, body: "" })],
    ["401 Unauthorized", () => ({ status: 401, body: "" })],
    ["a refused connection", () => ({ instead: "refused" })]
  ] as ReadonlyArray<readonly [string, Script]>) {
    test(
      `is kept after ${what}`,
      Effect.gen(function* () {
        const { outcome } = yield* finished(brokenThen(later))
        assert.deepInclude(outcome, { _tag: "Failed", keptBytes: half })
        assert.strictEqual(yield* parts, 1)
        const { asked } = yield* finished(serve())
        assert.deepStrictEqual(asked, [[`bytes=${half}-`, '"1"']])
        yield* isWhole()
      })
    )
  }

  for (const [what, later, given] of [
    ["404 Not Found", () => ({ status: 404, body: "" }), {}],
    ["a wrong digest", serve({}), { digest: `sha256:${"0".repeat(64)}` }],
    [
      "a file that has become too large",
      serve({ etag: '"2"' }, new Uint8Array(content.length + 1)),
      { limitBytes: content.length }
    ]
  ] as ReadonlyArray<readonly [string, Script, Fields]>) {
    test(
      `is discarded after ${what}`,
      Effect.gen(function* () {
        const { outcome } = yield* finished(brokenThen(later), given)
        assert.strictEqual(outcome._tag, "Failed")
        assert.notProperty(outcome, "keptBytes")
        assert.notProperty(outcome, "discarded")
        assert.strictEqual(yield* parts, 0)
      })
    )
  }

  for (const [what, headers, reason] of [
    ["the server sends no validator", { etag: undefined }, "no-validator"],
    ["the validator is weak", { etag: 'W/"1"' }, "no-validator"],
    ["the server supports no ranges", { headers: { "accept-ranges": "none" } }, "no-ranges"]
  ] as const) {
    test(
      `is discarded if ${what}, and the outcome says so`,
      Effect.gen(function* () {
        const script: Script = (asked) =>
          asked.turn === 0
            ? serve({ ...headers, breakAt: { bytes: half, how: "reset" } })(asked)
            : { status: 503, body: "" }
        const { outcome } = yield* finished(script)
        assert.deepInclude(outcome, { _tag: "Failed", discarded: { bytes: half, reason } })
        assert.notProperty(outcome, "keptBytes")
        assert.strictEqual(yield* parts, 0)
      })
    )
  }
})
