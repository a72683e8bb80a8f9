/**
 * A server on the loopback interface that gives each connection little at a time, and knows ranges.
 */
import { createHash } from "node:crypto"
import type { ServerResponse } from "node:http"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { http, type Origin } from "./loopback.js"

export interface SlowFile extends Origin {
  readonly digest: string
  /** The `Range` of each request, oldest first. */
  readonly ranges: () => ReadonlyArray<string | undefined>
  /** The most responses under way at a time, some of which the other side may have given up a moment before. */
  readonly most: () => number
}

const etag = '"1"'

const give = (response: ServerResponse, body: Buffer, isFast: () => boolean): void => {
  const step = (from: number): void => {
    if (from >= body.length || response.destroyed) {
      response.end()
      return
    }
    // The second half has no end before that: the client always has time to open its connections.
    const size = isFast() ? body.length : from < body.length / 2 ? 16 * 1024 : 1
    response.write(body.subarray(from, from + size))
    setTimeout(() => step(from + size), 40)
  }
  step(0)
}

/** Sends each response slowly until there are so many responses at a time. */
export const slowFile = (bytes: number, connections: number): Effect.Effect<SlowFile, never, Scope.Scope> => {
  const content = Buffer.from(Uint8Array.from({ length: bytes }, (_, index) => (index * 7 + (index >> 10)) & 0xff))
  const ranges: Array<string | undefined> = []
  let open = 0
  let most = 0
  const isFast = () => most >= connections
  return Effect.map(
    http(({ headers }, response) => {
      ranges.push(headers.range)
      open++
      most = Math.max(most, open)
      response.on("close", () => open--)
      const [, first, last = ""] = /^bytes=(\d+)-(\d*)$/.exec(headers.range ?? "") ?? []
      if (first === undefined || headers["if-range"] !== etag) {
        response.writeHead(200, { "content-length": bytes, "accept-ranges": "bytes", etag })
        give(response, content, isFast)
        return
      }
      const [start, end] = [Number(first), last === "" ? bytes : Number(last) + 1]
      response.writeHead(206, {
        "content-length": end - start,
        "content-range": `bytes ${start}-${end - 1}/${bytes}`,
        etag
      })
      give(response, content.subarray(start, end), isFast)
    }),
    (origin) => ({
      ...origin,
      digest: `sha256:${createHash("sha256").update(content).digest("hex")}`,
      ranges: () => ranges.slice(),
      most: () => most
    })
  )
}
