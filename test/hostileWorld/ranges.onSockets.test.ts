/**
 * Responses of servers on real sockets to a request for the rest of a file.
 */
import type { IncomingMessage, ServerResponse } from "node:http"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Downloader from "../../src/Downloader.js"
import * as NodeTransport from "../../src/Node/Transport.js"
import * as RetryPolicy from "../../src/RetryPolicy.js"
import * as MemoryStore from "../../src/Store/Memory.js"
import * as HttpClientTransport from "../../src/Transport/HttpClient.js"
import { http } from "../support/servers/loopback.js"
import { content, download } from "../support/transport/hostileRow.js"

const large = Array.from({ length: 30_000 }, (_, index) => `${index} `).join("")

/** From where the rest is asked for; 0 if the whole is. */
const startOf = ({ headers }: IncomingMessage): number => Number(/\d+/.exec(headers.range ?? "")?.[0] ?? 0)

/** Sends a head, and the beginning of a body that then breaks off. */
const breakOff = (response: ServerResponse, status: number, headers: Record<string, string>, text: string) => {
  response.writeHead(status, { etag: '"1"', ...headers })
  response.write(text, () => response.destroy())
}

const rangeOf = (start: number, text: string, total: number | "*") => ({
  "content-range": `bytes ${start}-${start + text.length - 1}/${total}`,
  "content-length": `${text.length}`
})

const half = large.slice(0, 70_000)

for (const [name, transport] of [
  ["Node/Transport", NodeTransport.layer()],
  ["Transport/HttpClient", HttpClientTransport.layer.pipe(Layer.provide(NodeHttpClient.layerUndici))]
] as const) {
  describe(`the rest of a file, on real sockets, by ${name}`, () => {
    const live = Downloader.layerWith({
      retry: RetryPolicy.make({ retries: 2, firstDelay: Duration.millis(1) }),
      strict: true
    }).pipe(Layer.provideMerge(Layer.merge(transport, MemoryStore.layer)), Layer.fresh)

    const real = (
      title: string,
      answer: (response: ServerResponse, start: number, turn: number) => void,
      expected: Readonly<Record<string, unknown>>
    ) =>
      it.scopedLive(title, () => {
        let turn = 0
        return Effect.gen(function* () {
          const origin = yield* http((request, response) => answer(response, startOf(request), turn++))
          const outcome = yield* Effect.merge(download(origin.url))
          assert.deepInclude(outcome, { ...expected })
          if (outcome._tag === "Saved") {
            assert.strictEqual(yield* content, large)
          }
        }).pipe(Effect.provide(live))
      })

    const whole = { etag: '"1"', "content-length": `${large.length}` }

    /** Breaks off the first time. */
    const answerWhole = (response: ServerResponse, turn: number) => {
      if (turn === 0) {
        breakOff(response, 200, whole, half)
      } else {
        response.writeHead(200, whole).end(large)
      }
    }

    real(
      "is not the whole file because of its status",
      (response, start, turn) => {
        if (start > 0) {
          const rest = large.slice(start)
          response.writeHead(200, { etag: '"1"', ...rangeOf(start, rest, large.length) }).end(rest)
        } else {
          answerWhole(response, turn)
        }
      },
      { _tag: "Saved", attempts: 3, verified: "length" }
    )
    real(
      "is not put behind a beginning of another coding",
      (response, start, turn) => {
        if (start > 0) {
          const rest = large.slice(start).toUpperCase().replace(/ /g, "-")
          const headers = { etag: '"1"', "content-encoding": "gzip", ...rangeOf(start, rest, large.length) }
          response.writeHead(206, headers).end(rest)
        } else {
          answerWhole(response, turn)
        }
      },
      { _tag: "Saved", attempts: 3, verified: "length" }
    )
    real(
      "is requested until its end is known",
      (response, start) => {
        const some = large.slice(start, start + 30_000)
        if (start === 0) {
          breakOff(response, 200, {}, half)
        } else if (some === "") {
          response.writeHead(416, { "content-range": `bytes */${large.length}` }).end()
        } else {
          response.writeHead(206, { etag: '"1"', ...rangeOf(start, some, "*") }).end(some)
        }
      },
      { _tag: "Saved", attempts: 2, verified: "length" }
    )
    real(
      "does not come byte by byte for ever",
      (response, start) => {
        const rest = large.slice(start)
        if (start === 0) {
          breakOff(response, 200, whole, rest.slice(0, 1))
        } else {
          breakOff(response, 206, rangeOf(start, rest, large.length), rest.slice(0, 1))
        }
      },
      { _tag: "Truncated", receivedBytes: 1 }
    )
    real(
      "is not requested again if ranges are forbidden",
      (response, start, turn) => {
        if (start > 0) {
          response.writeHead(403).end("no ranges")
        } else {
          answerWhole(response, turn)
        }
      },
      { _tag: "Saved", attempts: 3, verified: "length" }
    )
  })
}
