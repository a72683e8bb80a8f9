/**
 * A simulated origin without sockets: a transport that answers from a script, on the clock of its caller, and records the requests.
 *
 * The script is a function from a request to a reply. A reply is data, and describes what servers and networks do: refuse a
 * connection, not answer, stall, cut a body, redirect, return a wrong range, ask for a pause.
 *
 * @since 0.2.0
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { Connection, Truncated } from "../DownloadError.js"
import { displayUrl } from "../internal/text/displayUrl.js"
import type { StreamResponse, Transport, TransportError, TransportRequest } from "../Transport.js"
import * as Port from "../Transport.js"

/**
 * The request that a script is given.
 *
 * @category models
 * @since 0.2.0
 */
export interface Request extends TransportRequest {
  /** The number of earlier requests for this URL. */
  readonly turn: number
  /** The time of the request, in milliseconds of the clock. */
  readonly atMillis: number
}

/**
 * The reply of the origin to a request.
 *
 * @category models
 * @since 0.2.0
 */
export interface Reply {
  /** Time before the response or the failure, after `held`. Default: none. */
  readonly delay?: Duration.DurationInput | undefined
  /** Time for which the request waits in the client for a file descriptor, before the rest. Default: none. */
  readonly held?: Duration.DurationInput | undefined
  /** The number of informational responses (1xx) after the delay, and the time before each of them. */
  readonly informational?: { readonly count: number; readonly every: Duration.DurationInput } | undefined
  /** A failure in place of a response: no connection, a reset, or no answer at all (`silence`). */
  readonly instead?: "unknown-host" | "refused" | "dns" | "reset" | "tls" | "silence" | undefined
  /** Default 200. */
  readonly status?: number | undefined
  /** Default: the length of the body. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly body?: string | Uint8Array | undefined
  /** The size of a chunk. Default 64 KiB. */
  readonly chunkBytes?: number | undefined
  /** Time before each chunk. Default: none. */
  readonly chunkDelay?: Duration.DurationInput | undefined
  /**
   * The body breaks off after so many bytes. `reset` and `close`: it fails with `Truncated`. `unnoticed`: it ends as if it were
   * complete. `silence`: no more bytes follow, and no end.
   */
  readonly breakAt?: { readonly bytes: number; readonly how: "reset" | "close" | "unnoticed" | "silence" } | undefined
}

/**
 * Replies with a file, as a server that supports ranges and conditions does (RFC 9110 §13, §14): the whole file, or the requested
 * range. If `If-Range` names another version, the reply is the whole file. If `If-None-Match` or `If-Modified-Since` names this
 * version, the reply is 304. The reply has an entity tag if one is given; without it, a downloader does not resume.
 *
 * @category constructors
 * @since 0.2.0
 */
export const file = (
  request: TransportRequest,
  content: string | Uint8Array,
  options?: Reply & { readonly etag?: string | undefined }
): Reply => {
  const body = bytesOf(content)
  const etag = options?.etag
  const validator: Record<string, string> = etag === undefined ? {} : { etag }
  if (isConfirmed(request.headers, etag, options?.headers?.["last-modified"])) {
    return { ...options, status: 304, headers: { ...validator, ...options?.headers }, body: "" }
  }
  const ifRange = request.headers["if-range"]
  const [, start, last] = /^bytes=(\d+)-(\d*)$/.exec(request.headers["range"] ?? "") ?? []
  if (start === undefined || (ifRange !== undefined && ifRange !== etag)) {
    return {
      status: 200,
      ...options,
      headers: { "content-length": `${body.length}`, "accept-ranges": "bytes", ...validator, ...options?.headers },
      body
    }
  }
  const offsetBytes = Number(start)
  if (offsetBytes >= body.length) {
    return {
      status: 416,
      ...options,
      headers: { "content-range": `bytes */${body.length}`, ...options?.headers },
      body: ""
    }
  }
  const endBytes = last === undefined || last === "" ? body.length : Math.min(body.length, Number(last) + 1)
  return {
    status: 206,
    ...options,
    headers: {
      "content-length": `${endBytes - offsetBytes}`,
      "content-range": `bytes ${offsetBytes}-${endBytes - 1}/${body.length}`,
      ...validator,
      ...options?.headers
    },
    body: body.subarray(offsetBytes, endBytes)
  }
}

/** Whether the conditions of a request name this version. `If-Modified-Since` counts only without `If-None-Match` (§13.2.2). */
const isConfirmed = (
  headers: TransportRequest["headers"],
  etag: string | undefined,
  modified: string | undefined
): boolean => {
  const { "if-modified-since": since, "if-none-match": tag } = headers
  if (tag !== undefined) {
    return tag.replace(/^W\//, "") === etag?.replace(/^W\//, "")
  }
  return since !== undefined && modified !== undefined && Date.parse(modified) <= Date.parse(since)
}

/**
 * The requests that a simulated origin has received.
 *
 * @category tags
 * @since 0.2.0
 */
export class Origin extends Context.Tag("halyard/testing/Origin")<
  Origin,
  {
    /** The requests so far, oldest first. */
    readonly requests: () => ReadonlyArray<Request>
    /** The number of requests whose exchange has neither ended nor been closed, for one origin or for all together. */
    readonly open: (origin?: string) => number
    /** The largest number of such requests at the same time. */
    readonly mostOpen: (origin?: string) => number
  }
>() {}

/**
 * A transport that answers from a script. If the script throws, the request ends with a defect. `onReply` is called before the head
 * of each reply.
 *
 * @category layers
 * @since 0.2.0
 */
export const layer = (
  script: (request: Request) => Reply,
  onReply: (request: Request, reply: Reply) => void = () => {}
): Layer.Layer<Transport | Origin> =>
  Layer.effectContext(
    Effect.sync(() => {
      const requests: Array<Request> = []
      const turns = new Map<string, number>()
      const open = new Map<string, number>()
      const most = new Map<string, number>()
      const count = (origin: string, by: number): void => {
        for (const key of [origin, everything]) {
          const now = (open.get(key) ?? 0) + by
          open.set(key, now)
          most.set(key, Math.max(most.get(key) ?? 0, now))
        }
      }
      const transport = Port.make({
        open: (asked, events) =>
          Effect.gen(function* () {
            const { origin } = new URL(asked.url)
            const atMillis = yield* Effect.clockWith((clock) => clock.currentTimeMillis)
            const request = yield* Effect.acquireRelease(
              Effect.sync((): Request => {
                const turn = turns.get(asked.url) ?? 0
                turns.set(asked.url, turn + 1)
                count(origin, 1)
                const request = { ...asked, turn, atMillis }
                requests.push(request)
                return request
              }),
              () => Effect.sync(() => count(origin, -1))
            )
            const reply = script(request)
            if (reply.held !== undefined) {
              events.onHeld(true)
              yield* Effect.sleep(reply.held)
              events.onHeld(false)
            }
            if (reply.delay !== undefined) {
              yield* Effect.sleep(reply.delay)
            }
            for (let left = reply.informational?.count ?? 0; left > 0; left--) {
              yield* Effect.sleep(reply.informational?.every ?? 0)
              events.onInformational()
            }
            onReply(request, reply)
            if (reply.instead !== undefined) {
              return yield* reply.instead === "silence" ? silence : noConnection(asked.url, reply.instead)
            }
            return responseOf(asked.url, reply)
          })
      })
      return Context.make(Port.Transport, transport).pipe(
        Context.add(Origin, {
          requests: () => requests.slice(),
          open: (origin) => open.get(origin ?? everything) ?? 0,
          mostOpen: (origin) => most.get(origin ?? everything) ?? 0
        })
      )
    })
  )

const everything = "*"

// Not `Effect.never`, which holds an interval of the platform's.
const silence: Effect.Effect<never> = Effect.async(() => {})

const noConnection = (url: string, reason: Connection["reason"]): Connection =>
  new Connection({ url: displayUrl(url), reason, receivedBytes: 0, detail: "" })

const bytesOf = (content: string | Uint8Array): Uint8Array =>
  typeof content === "string" ? new TextEncoder().encode(content) : content

const usualChunkBytes = 64 * 1024

const responseOf = (url: string, reply: Reply): StreamResponse => {
  const body = bytesOf(reply.body ?? "")
  const headers = reply.headers ?? { "content-length": `${body.length}` }
  const announced = headers["content-length"]
  const end = Math.min(body.length, reply.breakAt?.bytes ?? body.length)
  // All chunks have the same memory, as those of a transport may have. It is overwritten before the next chunk.
  const buffer = new Uint8Array(Math.min(Math.max(1, reply.chunkBytes ?? usualChunkBytes), Math.max(1, body.length)))
  let position = 0

  const next = Effect.suspend((): Effect.Effect<Uint8Array, Option.Option<TransportError>> => {
    buffer.fill(0xee)
    if (position >= end) {
      return Effect.mapError(ending, Option.fromNullable)
    }
    const take = Effect.sync(() => {
      const chunk = buffer.subarray(0, Math.min(buffer.length, end - position))
      chunk.set(body.subarray(position, position + chunk.length))
      position += chunk.length
      return chunk
    })
    return reply.chunkDelay === undefined ? take : Effect.zipRight(Effect.sleep(reply.chunkDelay), take)
  })

  const ending: Effect.Effect<never, TransportError | undefined> = Effect.suspend(() => {
    if (reply.breakAt?.how === "silence") {
      return silence
    }
    const isShort = reply.breakAt !== undefined && reply.breakAt.how !== "unnoticed"
    return Effect.fail(
      isShort
        ? new Truncated({
            url: displayUrl(url),
            expectedBytes: announced === undefined ? undefined : Number(announced),
            receivedBytes: position
          })
        : undefined
    )
  })

  return { status: reply.status ?? 200, headers, body: Stream.repeatEffectOption(next) }
}
