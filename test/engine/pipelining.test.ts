/**
 * Which requests the engine lets a transport send together with others.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/TestClock"
import * as Download from "../../src/Download.js"
import { Connection } from "../../src/DownloadError.js"
import * as Downloader from "../../src/Downloader.js"
import * as NodeTransport from "../../src/Node/Transport.js"
import * as RetryPolicy from "../../src/RetryPolicy.js"
import * as MemoryStore from "../../src/Store/Memory.js"
import { type Sent, transport } from "../support/transport/answeredTransport.js"

const settle = Effect.repeatN(Effect.yieldNow(), 50)
const url = "http://origin.test/file"

/** Downloads the file, and gives whether its requests may be sent together with others. */
const requests = (
  given: Partial<Parameters<typeof Download.request>[0]>,
  answer: (sent: Sent) => void,
  options: Parameters<typeof Downloader.layerWith>[0] = {}
) => {
  const sent: Array<Sent> = []
  return Effect.gen(function* () {
    const { download } = yield* Downloader.Downloader
    const fiber = yield* Effect.fork(download(Download.request({ url, destination: "file", ...given })))
    for (let index = 0; index < 2; index++) {
      yield* settle
      const next = sent[index]
      if (next !== undefined) {
        answer(next)
        yield* settle
        yield* TestClock.adjust("30 seconds")
      }
    }
    yield* settle
    yield* Fiber.interrupt(fiber)
    return sent.map(({ request }) => request.mayPipeline)
  }).pipe(
    Effect.provide(
      Downloader.layerWith({ segments: 1, retry: RetryPolicy.none, ...options }).pipe(
        Layer.provide(Layer.mergeAll(transport(sent), MemoryStore.layer))
      )
    )
  )
}

const nothing = () => {}

describe("a request may be sent together with others", () => {
  it.effect("if it is the first GET of a file", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* requests({}, nothing), [true])
    })
  )

  it.effect("and not if it has side effects, credentials or a cookie", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* requests({ method: "POST" }, nothing), [false])
      for (const name of ["Authorization", "Cookie"]) {
        const headers = { [name]: Redacted.make("secret") }
        assert.deepStrictEqual(yield* requests({ headers }, nothing), [false])
      }
      assert.deepStrictEqual(yield* requests({ url: "http://user:secret@origin.test/file" }, nothing), [false])
    })
  )

  it.effect("and not if it is a retry", () =>
    Effect.gen(function* () {
      const lost = new Connection({ url, reason: "reset", receivedBytes: 0, detail: "lost" })
      const retry = RetryPolicy.make({ retries: 1 })
      assert.deepStrictEqual(yield* requests({}, (sent) => sent.fail(lost), { retry }), [true, false])
    })
  )
})

describe("the option pipeline", () => {
  it.effect("must be a whole number from 1 to 32", () =>
    Effect.gen(function* () {
      for (const pipeline of [0, 33, 1.5, Number.NaN]) {
        const made = Either.try(() => NodeTransport.layer({ pipeline }))
        const failed = Either.isLeft(made) || (yield* Effect.exit(Layer.build(made.right)))._tag === "Failure"
        assert.isTrue(failed, `${pipeline}`)
      }
    }).pipe(Effect.scoped)
  )
})
