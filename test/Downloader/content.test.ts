/**
 * `Downloader.stream` and `Downloader.bytes`: the content for the caller, by the rules of `download`.
 */
import { createHash } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Downloader from "../../src/Downloader.js"
import * as MemoryJournal from "../../src/Journal/Memory.js"
import * as Progress from "../../src/Progress.js"
import * as MemoryStore from "../../src/Store/Memory.js"
import { autoAdvance, layer, Origin } from "../../src/testing.js"
import * as Example from "../examples/content.js"

const url = "http://origin.test/a"

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)

const sha256 = (content: string) => `sha256:${createHash("sha256").update(content).digest("hex")}`

type Options = Partial<Downloader.ContentRequest>

const stream = (options?: Options) =>
  Stream.unwrap(Effect.map(Downloader.Downloader, (downloader) => downloader.stream({ url, ...options })))

/** What the reader of the stream got, and how the stream ended. */
const read = (options?: Options) =>
  Effect.gen(function* () {
    let got = ""
    const exit = yield* Effect.exit(
      Stream.runForEach(stream(options), (chunk) =>
        Effect.sync(() => {
          got += text(chunk)
        })
      )
    )
    return { got, exit }
  }).pipe(autoAdvance)

const bytes = (options?: Options) =>
  autoAdvance(Effect.flatMap(Downloader.Downloader, (downloader) => downloader.bytes({ url, ...options })))

const errorOf = (exit: Exit.Exit<void, unknown>) => Effect.flip(exit)

const nothingLeft = Effect.gen(function* () {
  assert.strictEqual((yield* Origin.Origin).open(), 0)
  assert.strictEqual(yield* Effect.flatMap(MemoryStore.MemoryFiles, ({ parts }) => parts), 0)
  assert.strictEqual((yield* Effect.flatMap(MemoryStore.MemoryFiles, ({ files }) => files)).size, 0)
})

const cut = (at: number, etag?: string) => (asked: Origin.Request) =>
  asked.turn === 0
    ? Origin.file(asked, "0123456789", { etag, breakAt: { bytes: at, how: "reset" } })
    : Origin.file(asked, "0123456789", { etag })

const requests = Effect.map(Origin.Origin, (origin) => origin.requests())

for (const [name, content] of [
  ["stream", (options?: Options) => Effect.flatMap(read(options), ({ exit, got }) => Effect.as(exit, got))],
  ["bytes", (options?: Options) => Effect.map(bytes(options), text)]
] as const) {
  describe(`Downloader.${name}`, () => {
    it.effect("gives the content, and saves nothing", () =>
      Effect.gen(function* () {
        assert.strictEqual(yield* content({ digest: sha256("0123456789"), sizeBytes: 10 }), "0123456789")
        yield* nothingLeft
        assert.deepStrictEqual(yield* Effect.flatMap(MemoryJournal.MemoryEntries, ({ entries }) => entries), [])
        const events = yield* Effect.flatMap(Progress.Recorded, ({ events }) => events)
        assert.deepStrictEqual(
          events.flatMap((event) => (event._tag === "Advanced" ? [] : [event._tag])),
          ["Started", "Exchanged", "Finished"]
        )
      }).pipe(Effect.provide(layer((asked) => Origin.file(asked, "0123456789", { chunkBytes: 3 }))))
    )

    it.effect("gives an empty content", () =>
      Effect.gen(function* () {
        assert.strictEqual(yield* content(), "")
      }).pipe(Effect.provide(layer((asked) => Origin.file(asked, ""))))
    )

    it.effect("continues after the last byte if the version is the same", () =>
      Effect.gen(function* () {
        assert.strictEqual(yield* content(), "0123456789")
        assert.deepStrictEqual(
          (yield* requests).map(({ headers }) => [headers["range"], headers["if-range"]]),
          [
            [undefined, undefined],
            ["bytes=4-", '"1"']
          ]
        )
        yield* nothingLeft
      }).pipe(Effect.provide(layer(cut(4, '"1"'))))
    )

    it.effect("continues after the last byte if a digest proves the content", () =>
      Effect.gen(function* () {
        assert.strictEqual(yield* content({ digest: sha256("0123456789") }), "0123456789")
        assert.deepStrictEqual(
          (yield* requests).map(({ headers }) => headers["range"]),
          [undefined, "bytes=4-"]
        )
      }).pipe(Effect.provide(layer(cut(4))))
    )

    it.effect("gives the rest of a whole response of the same version", () =>
      Effect.gen(function* () {
        assert.strictEqual(yield* content(), "0123456789")
      }).pipe(
        Effect.provide(
          layer((asked) => {
            const { headers, ...other } = asked
            const withoutRange = { ...other, headers: { ...headers, range: "" } }
            return Origin.file(withoutRange, "0123456789", {
              etag: '"1"',
              chunkBytes: 3,
              ...(asked.turn === 0 ? { breakAt: { bytes: 4, how: "reset" } } : {})
            })
          })
        )
      )
    )

    it.effect("fails with the error of the server", () =>
      Effect.gen(function* () {
        assert.deepInclude(yield* Effect.flip(content()), { _tag: "HttpStatus", status: 404 })
        yield* nothingLeft
      }).pipe(Effect.provide(layer(() => ({ status: 404, body: "an error page" }))))
    )

    it.effect("fails if the content is larger than limitBytes", () =>
      Effect.gen(function* () {
        assert.deepInclude(yield* Effect.flip(content({ limitBytes: 9 })), { _tag: "TooLarge", limitBytes: 9 })
        yield* nothingLeft
      }).pipe(Effect.provide(layer(() => ({ headers: {}, body: "0123456789", chunkBytes: 3 }))))
    )

    it.effect("refuses an invalid request", () =>
      Effect.gen(function* () {
        assert.deepInclude(yield* Effect.flip(content({ url: "ftp://a" })), { _tag: "InvalidRequest" })
      }).pipe(Effect.provide(layer(() => ({}))))
    )

    it.effect("dies of a defect, and leaves nothing", () =>
      Effect.gen(function* () {
        const exit = yield* Effect.exit(content())
        assert.isTrue(Exit.isFailure(exit) && exit.cause.toString().includes("planted"))
        yield* nothingLeft
      }).pipe(
        Effect.provide(
          layer(() => {
            throw new Error("planted")
          })
        )
      )
    )

    it.effect("follows a redirect, and does not send the headers of the request to another origin", () =>
      Effect.gen(function* () {
        assert.strictEqual(yield* content({ headers: { "x-key": "s3cret" } }), "body")
        assert.deepStrictEqual(
          (yield* requests).map(({ headers }) => headers["x-key"]),
          ["s3cret", undefined]
        )
      }).pipe(
        Effect.provide(
          layer((asked) =>
            asked.url === url ? { status: 302, headers: { location: "http://cdn.test/b" } } : { body: "body" }
          )
        )
      )
    )
  })
}

describe("Downloader.stream", () => {
  it.effect("fails with the failure of the body if nothing proves that the rest is of the same version", () =>
    Effect.gen(function* () {
      const { exit, got } = yield* read()
      assert.strictEqual(got, "0123")
      assert.deepInclude(yield* errorOf(exit), { _tag: "Truncated", receivedBytes: 4 })
      assert.strictEqual((yield* requests).length, 1)
      yield* nothingLeft
    }).pipe(Effect.provide(layer(cut(4))))
  )

  it.effect("fails if the rest is of another version", () =>
    Effect.gen(function* () {
      const { exit, got } = yield* read()
      assert.strictEqual(got, "0123")
      assert.deepInclude(yield* errorOf(exit), { _tag: "Protocol", reason: "inconsistent" })
      yield* nothingLeft
    }).pipe(
      Effect.provide(
        layer((asked) =>
          asked.turn === 0
            ? Origin.file(asked, "0123456789", { etag: '"1"', breakAt: { bytes: 4, how: "reset" } })
            : Origin.file(asked, "abcdefghij", { etag: '"2"' })
        )
      )
    )
  )

  it.effect("fails after the last chunk if the digest is wrong, also if a later response would be right", () =>
    Effect.gen(function* () {
      const { exit, got } = yield* read({ digest: sha256("0123456789") })
      assert.strictEqual(got, "0123456xyz")
      assert.deepInclude(yield* errorOf(exit), { _tag: "Mismatch", reason: "digest", resumed: true })
      assert.strictEqual((yield* requests).length, 2)
    }).pipe(
      Effect.provide(
        layer((asked) =>
          asked.turn === 0
            ? Origin.file(asked, "0123456789", { etag: '"1"', breakAt: { bytes: 7, how: "reset" } })
            : Origin.file(asked, asked.turn === 1 ? "0123456xyz" : "0123456789", { etag: '"1"' })
        )
      )
    )
  )

  it.effect("retries a failure before the first byte, whatever it is", () =>
    Effect.gen(function* () {
      const { exit, got } = yield* read()
      assert.isTrue(Exit.isSuccess(exit))
      assert.strictEqual(got, "body")
    }).pipe(Effect.provide(layer((asked) => (asked.turn === 0 ? { status: 503 } : { body: "body" }))))
  )

  it.effect("pauses the body while the reader is slow, and gives chunks that the reader may keep", () =>
    Effect.gen(function* () {
      const content = Uint8Array.from({ length: 1024 * 1024 }, (_, index) => index % 251)
      const isFirst = yield* Deferred.make<void>()
      const goOn = yield* Deferred.make<void>()
      const advanced = Effect.map(
        Effect.flatMap(Progress.Recorded, ({ events }) => events),
        (events) => Math.max(0, ...events.map((event) => (event._tag === "Advanced" ? event.bytes : 0)))
      )
      yield* Effect.gen(function* () {
        const reader = yield* Effect.fork(
          Stream.runCollect(
            Stream.tap(stream(), () => Effect.zipRight(Deferred.succeed(isFirst, undefined), Deferred.await(goOn)))
          )
        )
        yield* Deferred.await(isFirst)
        yield* Effect.sleep("1 minute")
        assert.isBelow(yield* advanced, content.length)
        assert.strictEqual((yield* Origin.Origin).open(), 1)
        yield* Deferred.succeed(goOn, undefined)
        const chunks = Chunk.toReadonlyArray(yield* Fiber.join(reader))
        assert.deepStrictEqual(Buffer.concat(chunks), Buffer.from(content))
      }).pipe(autoAdvance)
    }).pipe(
      Effect.provide(
        layer((asked) =>
          Origin.file(
            asked,
            Uint8Array.from({ length: 1024 * 1024 }, (_, index) => index % 251),
            {
              chunkDelay: "300 millis"
            }
          )
        )
      )
    )
  )

  it.effect("closes the connection if the reader takes only the beginning", () =>
    Effect.gen(function* () {
      const chunks = yield* autoAdvance(Stream.runCollect(Stream.take(stream(), 1)))
      assert.strictEqual(Chunk.size(chunks), 1)
      yield* nothingLeft
      const events = yield* Effect.flatMap(Progress.Recorded, ({ events }) => events)
      const finished = events.flatMap((event) => (event._tag === "Finished" ? [event.outcome._tag] : []))
      assert.deepStrictEqual(finished, ["Cancelled"])
    }).pipe(
      Effect.provide(layer((asked) => Origin.file(asked, "0123456789", { chunkBytes: 1, chunkDelay: "1 second" })))
    )
  )

  for (const [what, wait] of [
    ["while it waits for the head", { instead: "silence" }],
    ["within the body", { body: "0123456789", breakAt: { bytes: 3, how: "silence" } }]
  ] as const) {
    it.effect(`closes the connection when its reader is interrupted ${what}`, () =>
      Effect.gen(function* () {
        const origin = yield* Origin.Origin
        const reader = yield* Effect.fork(Stream.runDrain(stream()))
        yield* Effect.repeat(Effect.yieldNow(), { until: () => origin.open() === 1 })
        yield* Fiber.interrupt(reader)
        yield* nothingLeft
      }).pipe(Effect.provide(layer(() => wait)))
    )
  }

  it.effect("ends when the layer of its downloader is closed", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const context = yield* Layer.buildWithScope(
        layer(() => ({ instead: "silence" })),
        scope
      )
      const reader = yield* Effect.fork(Effect.provide(Stream.runDrain(stream()), context))
      yield* Effect.gen(function* () {
        const origin = yield* Origin.Origin
        yield* Effect.repeat(Effect.yieldNow(), { until: () => origin.open() === 1 })
      }).pipe(Effect.provide(context))
      yield* autoAdvance(Scope.close(scope, Exit.void))
      assert.isTrue(Exit.isInterrupted(yield* Fiber.await(reader)))
    })
  )

  it.effect("can be run more than once", () =>
    Effect.gen(function* () {
      const content = stream()
      const once = Stream.runFold(content, "", (all, chunk) => all + text(chunk))
      assert.deepStrictEqual(yield* Effect.zip(once, once), ["body", "body"])
      assert.strictEqual((yield* requests).length, 2)
    }).pipe(Effect.provide(layer(() => ({ body: "body" }))))
  )
})

describe("Downloader.bytes", () => {
  it.effect("starts over if nothing proves that the rest is of the same version", () =>
    Effect.gen(function* () {
      const content = yield* bytes()
      assert.strictEqual(text(content), "0123456789")
      assert.strictEqual(content.buffer.byteLength, 10)
      assert.deepStrictEqual(
        (yield* requests).map(({ headers }) => headers["range"]),
        [undefined, undefined]
      )
      yield* nothingLeft
    }).pipe(Effect.provide(layer(cut(4))))
  )

  it.effect("closes the connection when it is interrupted", () =>
    Effect.gen(function* () {
      const origin = yield* Origin.Origin
      const downloader = yield* Downloader.Downloader
      const fiber = yield* Effect.fork(downloader.bytes({ url }))
      yield* Effect.repeat(Effect.yieldNow(), { until: () => origin.open() === 1 })
      yield* Fiber.interrupt(fiber)
      yield* nothingLeft
    }).pipe(Effect.provide(layer(() => ({ instead: "silence" }))))
  )
})

describe("the example", () => {
  it.effect("passes a file on, and reads a small document", () =>
    Effect.gen(function* () {
      const { body } = yield* Example.passOn(new URL(url), sha256('{"latest":"1.2"}'))
      const passedOn = body._tag === "Stream" ? yield* Stream.runCollect(body.stream) : Chunk.empty()
      assert.deepStrictEqual(Chunk.toReadonlyArray(passedOn).map(text), ['{"latest":"1.2"}'])
      assert.strictEqual(yield* Example.latest(new URL(url)), "1.2")
    }).pipe(Effect.provide(layer((asked) => Origin.file(asked, '{"latest":"1.2"}'))))
  )
})
