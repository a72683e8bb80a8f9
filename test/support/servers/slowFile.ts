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

/** Servers of one file, whose responses are counted together. */
interface Group {
  open: number
  most: number
}

interface Options {
  readonly etag?: string | undefined
  /** Another number is another content of the same size. Default: 0. */
  readonly shift?: number | undefined
  /** Default: this server alone. */
  readonly group?: Group | undefined
}

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
export const slowFile = (
  bytes: number,
  connections: number,
  { etag = '"1"', group = { open: 0, most: 0 }, shift = 0 }: Options = {}
): Effect.Effect<SlowFile, never, Scope.Scope> => {
  const byteAt = (_: unknown, index: number) => (index * 7 + (index >> 10) + shift) & 0xff
  const content = Buffer.from(Uint8Array.from({ length: bytes }, byteAt))
  const ranges: Array<string | undefined> = []
  const isFast = () => group.most >= connections
  return Effect.map(
    http(({ headers }, response) => {
      ranges.push(headers.range)
      group.open++
      group.most = Math.max(group.most, group.open)
      response.on("close", () => group.open--)
      const [, first, last = ""] = /^bytes=(\d+)-(\d*)$/.exec(headers.range ?? "") ?? []
      if (first === undefined || (headers["if-range"] ?? etag) !== etag) {
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
      most: () => group.most
    })
  )
}
