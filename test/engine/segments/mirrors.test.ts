/**
 * Segments of one file from several mirrors at a time: what proves them, and which mirrors are given up.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as RetryPolicy from "../../../src/RetryPolicy.js"
import { autoAdvance, Origin } from "../../../src/testing.js"
import { nothingIsLeft } from "../../support/transport/interruptedDownload.js"
import {
  askedOf,
  byHost,
  content,
  digest,
  download,
  givenUp,
  hostOf,
  isSaved,
  mirrors,
  now,
  other,
  type Script,
  slow,
  url,
  within
} from "../../support/transport/mirroredFile.js"

describe("segments from mirrors", () => {
  it.effect("come from all of them at a time if their entity tags are equal and strong", () =>
    Effect.gen(function* () {
      yield* isSaved({}, 1)
      const origin = yield* Origin.Origin
      assert.strictEqual(origin.mostOpen(), 4)
      for (const host of ["two", "three"]) {
        const asked = yield* askedOf(host)
        assert.isAbove(asked.length, 0)
        assert.isTrue(
          asked.every(({ headers }) => headers["if-range"] === '"1"' && /^bytes=\d+-\d+$/.test(headers["range"] ?? ""))
        )
      }
      assert.deepStrictEqual(yield* givenUp, [])
      // 2.9 s on one connection.
      assert.isBelow(yield* now, 1500)
    }).pipe(Effect.provide(within(byHost())))
  )

  it.effect("come from mirrors with other validators if the request has a digest", () =>
    Effect.gen(function* () {
      yield* isSaved({ digest }, 1)
      for (const host of ["two", "three"]) {
        const asked = yield* askedOf(host)
        assert.isAbove(asked.length, 0)
        assert.isTrue(asked.every(({ headers }) => headers["if-range"] === undefined))
      }
      assert.deepStrictEqual(yield* givenUp, [])
    }).pipe(
      Effect.provide(
        within(
          byHost({
            two: (asked) => Origin.file(asked, content, { ...slow, etag: '"2"' }),
            three: (asked) => Origin.file(asked, content, { ...slow, etag: 'W/"1"' })
          })
        )
      )
    )
  )

  for (const [what, options, reply] of [
    ["the option is 1", { segments: 1 }, {}],
    [
      "only a date proves the version",
      {},
      {
        etag: undefined,
        headers: { date: "Thu, 26 Nov 2026 12:00:00 GMT", "last-modified": "Thu, 26 Nov 2026 10:00:00 GMT" }
      }
    ],
    ["the URL has a weak entity tag", {}, { etag: 'W/"1"' }],
    ["the file is fast", {}, { chunkDelay: "5 millis" }]
  ] as const) {
    it.effect(`are not requested if ${what}`, () =>
      Effect.gen(function* () {
        yield* isSaved({}, 1)
        assert.deepStrictEqual([...(yield* askedOf("two")), ...(yield* askedOf("three"))], [])
      }).pipe(Effect.provide(within((asked) => Origin.file(asked, content, { ...slow, ...reply }), options)))
    )
  }

  for (const [what, reason, script] of [
    ["has another entity tag", "Protocol", (asked) => Origin.file(asked, other, { ...slow, etag: '"2"' })],
    [
      "has another entity tag and knows no If-Range",
      "Protocol",
      ({ headers: { "if-range": _, ...headers }, ...asked }) =>
        Origin.file({ ...asked, headers }, other, { ...slow, etag: '"2"' })
    ],
    [
      "has a weak entity tag",
      "Protocol",
      ({ headers: { "if-range": _, ...headers }, ...asked }) =>
        Origin.file({ ...asked, headers }, other, { ...slow, etag: 'W/"1"' })
    ],
    [
      "has no validator",
      "Protocol",
      ({ headers: { "if-range": _, ...headers }, ...asked }) =>
        Origin.file({ ...asked, headers }, other, { ...slow, etag: undefined })
    ],
    ["has another size", "Protocol", (asked) => Origin.file(asked, other.subarray(1), slow)],
    [
      "does not say its size",
      "Protocol",
      (asked) => {
        const reply = Origin.file(asked, other, slow)
        const range = reply.headers?.["content-range"]?.replace(/\d+$/, "*") ?? ""
        return { ...reply, headers: { ...reply.headers, "content-range": range } }
      }
    ],
    ["ignores ranges", "Protocol", (asked) => Origin.file({ ...asked, headers: {} }, other, slow)],
    ["has no such file", "HttpStatus", () => ({ status: 404 })],
    ["redirects without end", "Protocol", () => ({ status: 302, headers: { location: "?again" } })],
    ["cannot be reached", "Connection", () => ({ instead: "refused" })],
    ["does not answer", "Timeout", () => ({ instead: "silence" })]
  ] satisfies ReadonlyArray<[string, string, Script]>) {
    it.effect(`go on without a mirror that ${what}, which is told once`, () =>
      Effect.gen(function* () {
        yield* isSaved({}, 1)
        const events = yield* givenUp
        assert.deepStrictEqual(
          events.map(({ error, mirror }) => [mirror, error._tag]),
          [[mirrors[0], reason]]
        )
        assert.isAbove((yield* askedOf("three")).length, 0)
        assert.isBelow((yield* askedOf("two")).length, 12)
        if (what !== "redirects without end") {
          assert.strictEqual((yield* askedOf("two")).length, 1)
        }
      }).pipe(Effect.provide(within(byHost({ two: script }), { headersTimeout: "400 millis" })))
    )
  }

  it.effect("with wrong bytes do not fail a file with a digest: one of the servers is asked alone", () =>
    Effect.gen(function* () {
      yield* isSaved({ digest }, 2)
      const asked = (yield* Origin.Origin).requests()
      const last = asked.at(-1)
      assert.deepStrictEqual([last?.url, last?.headers["range"]], [url, undefined])
      assert.isAbove((yield* askedOf("two")).length, 0)
    }).pipe(
      Effect.provide(within(byHost({ two: (asked) => Origin.file(asked, other, slow) }), { retry: RetryPolicy.none }))
    )
  )

  it.effect("do not fail a file with a digest if the URL itself has wrong bytes", () =>
    Effect.gen(function* () {
      yield* isSaved({ digest }, 3)
      const whole = (yield* Origin.Origin).requests().filter(({ headers }) => headers["range"] === undefined)
      assert.deepStrictEqual(
        whole.map((asked) => hostOf(asked)),
        ["one", "one", "two"]
      )
    }).pipe(
      Effect.provide(within(byHost({ one: (asked) => Origin.file(asked, other, slow) }), { retry: RetryPolicy.none }))
    )
  )

  it.effect("end if the digest is wrong everywhere, after each server was asked alone", () =>
    Effect.gen(function* () {
      const error = yield* autoAdvance(Effect.flip(download({ digest })))
      assert.deepInclude(error, {
        _tag: "Mismatch",
        reason: "digest",
        resumed: false,
        url: "http://three.test/large.bin"
      })
      const whole = (yield* Origin.Origin).requests().filter(({ headers }) => headers["range"] === undefined)
      assert.deepStrictEqual(
        whole.map((asked) => hostOf(asked)),
        ["one", "one", "two", "three"]
      )
      yield* nothingIsLeft
    }).pipe(Effect.provide(within((asked) => Origin.file(asked, other, slow), { retry: RetryPolicy.none })))
  )
})
