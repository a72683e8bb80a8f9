/**
 * Segments from several mirrors: slow ones and those that die, permits and secrets, interruption and resumption.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/TestClock"
import * as OriginGovernor from "../../../src/OriginGovernor.js"
import * as MemoryStore from "../../../src/Store/Memory.js"
import { autoAdvance, Origin } from "../../../src/testing.js"
import { leavesNothing, nothingIsLeft } from "../../support/transport/interruptedDownload.js"
import {
  askedOf,
  byHost,
  content,
  digest,
  download,
  givenUp,
  hostOf,
  isSaved,
  isThere,
  mebibyte,
  mirrors,
  now,
  slow,
  url,
  within
} from "../../support/transport/mirroredFile.js"

describe("segments from mirrors", () => {
  it.effect("of a slow mirror are taken over by the fast ones", () =>
    Effect.gen(function* () {
      yield* isSaved({}, 1)
      assert.isAbove((yield* askedOf("two")).length, 0)
      // A single segment of the slow mirror would take longer than a minute.
      assert.isBelow(yield* now, 5000)
    }).pipe(
      Effect.provide(within(byHost({ two: (asked) => Origin.file(asked, content, { ...slow, chunkBytes: 1024 }) })))
    )
  )

  it.effect("take the rest of a URL that is slow itself", () =>
    Effect.gen(function* () {
      yield* isSaved({}, 1)
      assert.isBelow(yield* now, 5000)
    }).pipe(
      Effect.provide(within(byHost({ one: (asked) => Origin.file(asked, content, { ...slow, chunkBytes: 1024 }) })))
    )
  )

  for (const how of ["reset", "close", "silence"] as const) {
    it.effect(`of a mirror that dies in the middle (${how}) come from the others`, () =>
      Effect.gen(function* () {
        yield* isSaved({}, 1)
        assert.deepStrictEqual(
          (yield* givenUp).map(({ mirror }) => mirror),
          how === "silence" ? [] : [mirrors[0]]
        )
      }).pipe(
        Effect.provide(
          within(
            byHost({
              two: (asked) =>
                asked.turn === 0
                  ? Origin.file(asked, content, { ...slow, breakAt: { bytes: 300_000, how } })
                  : { instead: "refused" }
            }),
            { stall: { bytes: 1, within: "1 minute" } }
          )
        )
      )
    )

    it.effect(`bring the rest if the URL itself dies in the middle (${how})`, () =>
      Effect.gen(function* () {
        const governor = yield* OriginGovernor.OriginGovernor
        const fiber = yield* Effect.fork(download())
        yield* TestClock.adjust("900 millis")
        yield* TestClock.adjust("600 millis")
        assert.deepStrictEqual(
          (yield* givenUp).map(({ mirror }) => mirror),
          [url]
        )
        assert.strictEqual(governor.inUse("http://one.test").permits, 0)
        const saved = yield* autoAdvance(Fiber.join(fiber))
        assert.deepInclude(saved, { _tag: "Saved", attempts: 1, bytes: content.length })
        yield* isThere
        yield* nothingIsLeft
      }).pipe(
        Effect.provide(
          within(
            (asked) =>
              hostOf(asked) === "one"
                ? asked.turn === 0
                  ? Origin.file(asked, content, { ...slow, breakAt: { bytes: 2 * mebibyte, how } })
                  : { instead: "refused" }
                : Origin.file(asked, content, { ...slow, chunkDelay: "400 millis" }),
            { stall: { bytes: 1, within: "500 millis" } }
          )
        )
      )
    )
  }

  it.effect("are kept for the next attempt if the URL and the mirrors die", () =>
    Effect.gen(function* () {
      yield* isSaved({}, 2)
      const received = (yield* Origin.Origin).requests()
      assert.isAbove(received.length, 3)
    }).pipe(
      Effect.provide(
        within(
          (asked) =>
            Origin.file(asked, content, {
              ...slow,
              breakAt: asked.turn === 0 ? { bytes: mebibyte, how: "reset" } : undefined
            }),
          { segments: 3 },
          { perOrigin: 1 }
        )
      )
    )
  )

  it.effect("follow redirects of a mirror, with a permit of the origin that has the bytes", () =>
    Effect.gen(function* () {
      yield* isSaved({}, 1)
      const origin = yield* Origin.Origin
      assert.isAbove((yield* askedOf("cdn")).length, 0)
      assert.strictEqual(origin.mostOpen("http://cdn.test"), 1)
      assert.deepStrictEqual(yield* givenUp, [])
    }).pipe(
      Effect.provide(
        within(
          byHost({
            two: () => ({ status: 302, headers: { "content-length": "0", location: "http://cdn.test/large.bin" } })
          }),
          {},
          { perOrigin: 1 }
        )
      )
    )
  )

  it.effect("send headers of the request and credentials of a mirror to their own origins only", () =>
    Effect.gen(function* () {
      yield* isSaved({ mirrors: ["http://user:pass@two.test/large.bin"], headers: { "x-secret": "one" } }, 1)
      const authorization = `Basic ${Buffer.from("user:pass").toString("base64")}`
      for (const asked of (yield* Origin.Origin).requests()) {
        const isOne = hostOf(asked) === "one"
        assert.strictEqual(asked.headers["x-secret"], isOne ? "one" : undefined)
        assert.strictEqual(asked.headers["authorization"], hostOf(asked) === "two" ? authorization : undefined)
        assert.strictEqual(asked.isCrossOrigin, !isOne)
      }
      assert.isAbove((yield* askedOf("cdn")).length, 0)
    }).pipe(
      Effect.provide(
        within(
          byHost({
            two: () => ({ status: 302, headers: { "content-length": "0", location: "http://cdn.test/large.bin" } })
          })
        )
      )
    )
  )

  it.effect("respect the limits in all and of each origin", () =>
    Effect.gen(function* () {
      yield* isSaved({}, 1)
      const origin = yield* Origin.Origin
      for (const host of ["one", "two", "three"]) {
        assert.isAtMost(origin.mostOpen(`http://${host}.test`), 1)
      }
      assert.strictEqual(origin.mostOpen(), 2)
    }).pipe(Effect.provide(within(byHost(), { segments: 8 }, { perOrigin: 1, concurrency: 2 })))
  )

  it.effect("are not requested of a mirror that has asked for a pause", () =>
    Effect.gen(function* () {
      yield* isSaved({}, 1)
      yield* autoAdvance(download({ destination: "other.bin", onExists: "overwrite" }))
      const [first, second] = yield* askedOf("two")
      assert.isTrue(second === undefined || second.atMillis - (first?.atMillis ?? 0) >= 60_000)
    }).pipe(
      Effect.provide(
        within(byHost({ two: () => ({ status: 503, headers: { "content-length": "0", "retry-after": "60" } }) }))
      )
    )
  )

  for (const [what, given, etagOfTwo] of [
    ["an entity tag", {}, '"1"'],
    ["a digest", { digest }, '"2"']
  ] as const) {
    it.effect(`are kept when the transfer is interrupted, and continued by the next one: proved by ${what}`, () =>
      Effect.gen(function* () {
        const fiber = yield* Effect.fork(download({ ...given, resume: true }))
        yield* TestClock.adjust("300 millis")
        yield* TestClock.adjust("300 millis")
        yield* Fiber.interrupt(fiber)
        yield* nothingIsLeft
        const { parts } = yield* MemoryStore.MemoryFiles
        assert.strictEqual(yield* parts, 1)
        const origin = yield* Origin.Origin
        const before = origin.requests().length
        assert.isAbove((yield* askedOf("two")).length, 0)
        yield* isSaved({ ...given, resume: true }, 1)
        const [first] = origin.requests().slice(before)
        assert.match(first?.headers["range"] ?? "", /^bytes=[1-9]\d+-\d+$/)
        assert.deepStrictEqual(yield* givenUp, [])
      }).pipe(
        Effect.provide(within(byHost({ two: (asked) => Origin.file(asked, content, { ...slow, etag: etagOfTwo }) })))
      )
    )
  }

  it.effect("are not requested of an origin that another transfer cannot reach", () =>
    Effect.gen(function* () {
      yield* isSaved({}, 1)
      const before = (yield* askedOf("two")).length
      yield* autoAdvance(download({ destination: "other.bin" }))
      assert.deepStrictEqual([before, (yield* askedOf("two")).length], [1, 1])
    }).pipe(Effect.provide(within(byHost({ two: () => ({ instead: "refused" }) }))))
  )

  it.effect("end when the transfer is interrupted at any time", () =>
    leavesNothing(
      14,
      download(),
      within(
        byHost({
          one: (asked) => Origin.file(asked, content, { ...slow, breakAt: { bytes: mebibyte, how: "reset" } })
        })
      )
    )
  )
})
