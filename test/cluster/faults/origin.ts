/**
 * A server of small files that can hold its responses in the middle, so that a fault meets transfers in flight.
 */
import { createHash } from "node:crypto"
import { createServer, type ServerResponse } from "node:http"
import * as Effect from "effect/Effect"
import { listening } from "../../support/servers/loopback.js"

/** The content of the file with this path. */
export const contentOf = (path: string): Buffer => {
  const digest = createHash("sha256").update(path).digest()
  return Buffer.concat(Array.from({ length: 16 + (digest[0] ?? 0) }, () => digest))
}

export interface Asked {
  readonly path: string
  /** The name of the runner, from `User-Agent`. */
  readonly runner: string
  readonly atMillis: number
}

/** Serves files until the scope ends. */
export const make = (host?: string) =>
  Effect.gen(function* () {
    const asked: Array<Asked> = []
    const held = new Map<ServerResponse, { readonly runner: string; readonly finish: () => void }>()
    let passes = Number.POSITIVE_INFINITY
    let complete = 0
    const server = createServer((request, response) => {
      const path = request.url ?? ""
      const runner = request.headers["user-agent"] ?? ""
      asked.push({ path, runner, atMillis: performance.now() })
      const etag = `"${createHash("sha256").update(path).digest("hex").slice(0, 16)}"`
      if (request.headers["if-none-match"] === etag) {
        response.writeHead(304, { etag }).end()
        return
      }
      const content = contentOf(path)
      response.writeHead(200, { etag, "content-length": content.length })
      const middle = Math.floor(content.length / 2)
      const finish = () => {
        held.delete(response)
        response.end(content.subarray(middle), () => complete++)
      }
      response.write(content.subarray(0, middle))
      if (passes-- > 0) {
        finish()
      } else {
        held.set(response, { runner, finish })
        response.once("close", () => held.delete(response))
      }
    })
    const { port, sockets } = yield* listening(server, host)
    return {
      url: `http://${host ?? "127.0.0.1"}:${port}`,
      asked,
      sockets,
      /** The number of responses that were sent whole. */
      complete: () => complete,
      /** Holds all responses after the next `count` of them. */
      hold: (count: number) => {
        passes = count
      },
      release: () => {
        passes = Number.POSITIVE_INFINITY
        for (const { finish } of held.values()) {
          finish()
        }
      },
      /** The runners of the responses that are held. A response whose client has gone is not. */
      held: (): ReadonlyArray<string> => Array.from(held.values(), ({ runner }) => runner)
    }
  })

export type Origin = Effect.Effect.Success<ReturnType<typeof make>>
