/**
 * Segments whose responses are silent for a while, or rest for the byte rate.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { autoAdvance, Origin } from "../../../src/testing.js"
import { nothingIsLeft } from "../../support/transport/interruptedDownload.js"
import {
  content,
  download,
  isSavedAtOnce,
  isThere,
  mebibyte,
  pausing,
  slow,
  within
} from "../../support/transport/largeFile.js"

describe("segments", () => {
  it.effect("have a time limit each, and the range of a silent segment is requested again", () =>
    Effect.gen(function* () {
      const saved = yield* autoAdvance(download())
      assert.deepInclude(saved, { attempts: 1 })
      yield* isThere
      yield* nothingIsLeft
    }).pipe(
      Effect.provide(
        within((asked) => (asked.turn === 2 ? { instead: "silence" } : Origin.file(asked, content, slow)), {
          headersTimeout: "500 millis"
        })
      )
    )
  )

  for (const [what, reply] of [
    ["ignores ranges", (asked: Origin.Request) => Origin.file({ ...asked, headers: {} }, content, pausing)],
    ["serves its link once", () => ({ status: 404 })],
    ["does not answer", () => ({ instead: "silence" }) as const]
  ] as const) {
    it.effect(`let a response continue after a pause if the origin ${what}`, () =>
      Effect.gen(function* () {
        yield* isSavedAtOnce()
        const origin = yield* Origin.Origin
        // The first response was never given up.
        assert.isAtMost(origin.requests().length, 4)
        assert.strictEqual(origin.requests().filter(({ headers }) => headers["range"] === undefined).length, 1)
      }).pipe(
        Effect.provide(
          within((asked) => (asked.turn === 0 ? Origin.file(asked, content, pausing) : reply(asked)), {
            headersTimeout: "1 minute"
          })
        )
      )
    )
  }

  it.effect("end a silent response when the response for its rest begins", () =>
    Effect.gen(function* () {
      yield* isSavedAtOnce()
      assert.isBelow(yield* Effect.clockWith((clock) => clock.currentTimeMillis), 15_000)
    }).pipe(
      Effect.provide(
        within((asked) =>
          asked.turn === 0 ? Origin.file(asked, content, pausing) : Origin.file(asked, content, { etag: '"1"' })
        )
      )
    )
  )

  it.effect("receive the rest of a silent response that reaches its time limit before the other one begins", () =>
    isSavedAtOnce({ stall: { bytes: 1, within: "12 seconds" } }).pipe(
      Effect.provide(
        within((asked) =>
          asked.turn === 0
            ? Origin.file(asked, content, { ...pausing, breakAt: { bytes: 7 * mebibyte, how: "silence" } })
            : Origin.file(asked, content, { delay: "30 seconds", etag: '"1"' })
        )
      )
    )
  )

  it.effect("let a response continue after it has rested for the byte rate", () =>
    isSavedAtOnce().pipe(
      Effect.provide(
        within(
          (asked) =>
            asked.turn === 0 ? Origin.file(asked, content, { chunkBytes: 7 * mebibyte, etag: '"1"' }) : { status: 404 },
          {},
          { bytesPerSecond: 2 * mebibyte }
        )
      )
    )
  )

  it.effect("request the rest of a silent response again after a failure", () =>
    Effect.gen(function* () {
      yield* isSavedAtOnce()
      assert.isBelow(yield* Effect.clockWith((clock) => clock.currentTimeMillis), 15_000)
    }).pipe(
      Effect.provide(
        within((asked) =>
          asked.turn === 0
            ? Origin.file(asked, content, pausing)
            : asked.turn === 1
              ? { status: 503 }
              : Origin.file(asked, content, { etag: '"1"' })
        )
      )
    )
  )
})
