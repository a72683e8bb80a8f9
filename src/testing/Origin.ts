/**
 * An origin without a socket: a transport that answers from a script, on the clock of its caller, and writes down what it
 * was asked.
 *
 * The script is a function from a request to a reply, which is data. A reply can be whatever servers and networks do:
 * refuse, hang, stall, break off, ask to be left alone, redirect, lie about ranges.
 *
 * @since 0.2.0
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Runtime from "effect/Runtime"
import * as Scope from "effect/Scope"
import { Connection, Truncated } from "../DownloadError.js"
import { displayUrl } from "../internal/text/displayUrl.js"
import {
  type Exchange,
  type Receiver,
  Transport,
  type TransportError,
  type TransportRequest,
  type TransportResponse
} from "../Transport.js"

/**
 * One request as the script sees it.
 *
 * @category models
 * @since 0.2.0
 */
export interface Request extends TransportRequest {
  /** How many requests for this URL there were before it. */
  readonly turn: number
  /** When it came, in milliseconds of the clock. */
  readonly atMillis: number
}

/**
 * What the origin does with a request.
 *
 * @category models
 * @since 0.2.0
 */
export interface Reply {
  /** Before anything else happens. */
  readonly delay?: Duration.DurationInput | undefined
  /** How long the request waits in the client for a file descriptor, before all else. */
  readonly held?: Duration.DurationInput | undefined
  /** Informational responses (1xx) after that, and the time before each of them. */
  readonly informational?: { readonly count: number; readonly every: Duration.DurationInput } | undefined
  /** Instead of a response: no connection, one that breaks, or silence for good. */
  readonly instead?: "unknown-host" | "refused" | "dns" | "reset" | "tls" | "silence" | undefined
  readonly status?: number | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly body?: string | Uint8Array | undefined
  /** Default: as many chunks as it takes of 64 KiB. */
  readonly chunkBytes?: number | undefined
  /** Before each chunk. */
  readonly chunkDelay?: Duration.DurationInput | undefined
  /** After so many bytes of the body: it is cut (and the transport notices, or not), or nothing comes any more. */
  readonly breakAt?: { readonly bytes: number; readonly how: "reset" | "close" | "unnoticed" | "silence" } | undefined
}

/**
 * A file as an honest server serves it (RFC 9110 §13, §14): with its length, with the entity tag that is given (without one
 * a client has no reason to resume), whole or from a byte
 * on or a range of it, and whole where `If-Range` names another version.
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

/**
 * What an origin was asked, and what it is busy with.
 *
 * @category tags
 * @since 0.2.0
 */
export class Origin extends Context.Tag("halyard/testing/Origin")<
  Origin,
  {
    /** The requests so far, oldest first. */
    readonly requests: () => ReadonlyArray<Request>
    /** Requests whose connection was not given back: 0 when nothing is going on. For one origin, or in all. */
    readonly open: (origin?: string) => number
    /** The most that were open at a time. */
    readonly mostOpen: (origin?: string) => number
  }
>() {}

/**
 * A transport that answers from a script. A script that throws is a bug, and dies. With `pushes` it has `dispatch` too.
 *
 * @category layers
 * @since 0.2.0
 */
export const layer = (
  script: (request: Request) => Reply,
  onReply: (request: Request, reply: Reply) => void = () => {},
  options: { readonly pushes?: boolean | undefined } = {}
): Layer.Layer<Transport | Origin> =>
  Layer.effectContext(
    Effect.map(Effect.runtime<never>(), (runtime) => {
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
      const send: typeof Transport.Service.open = (asked) =>
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
            asked.onHeld?.(true)
            yield* Effect.sleep(reply.held)
            asked.onHeld?.(false)
          }
          if (reply.delay !== undefined) {
            yield* Effect.sleep(reply.delay)
          }
          for (let left = reply.informational?.count ?? 0; left > 0; left--) {
            yield* Effect.sleep(reply.informational?.every ?? 0)
            asked.onInformational?.()
          }
          onReply(request, reply)
          if (reply.instead !== undefined) {
            return yield* reply.instead === "silence" ? silence : noConnection(asked.url, reply.instead)
          }
          return responseOf(asked.url, reply)
        })
      const transport = Transport.of(
        options.pushes === true
          ? { open: send, dispatch: (asked, to) => push(runtime, send(asked), to) }
          : { open: send }
      )
      return Context.make(Transport, transport).pipe(
        Context.add(Origin, {
          requests: () => requests.slice(),
          open: (origin) => open.get(origin ?? everything) ?? 0,
          mostOpen: (origin) => most.get(origin ?? everything) ?? 0
        })
      )
    })
  )

const everything = "*"

// A fiber of its own carries it, and ends with what it pushes.
const push = (
  runtime: Runtime.Runtime<never>,
  open: ReturnType<typeof Transport.Service.open>,
  to: Receiver
): Exchange => {
  let answered: Effect.Effect<TransportResponse, TransportError> = silence
  let scope: Scope.CloseableScope | undefined
  const close = Effect.suspend(() => (scope === undefined ? Effect.void : Scope.close(scope, Exit.void)))
  const opened = Effect.flatMap(Scope.make(), (made) => {
    scope = made
    return Scope.extend(open, made)
  })
  const driven = (response: TransportResponse) =>
    Effect.flatMap(
      response.drive((chunk) => to.onChunk(chunk)),
      (how) => (how === "Ended" ? Effect.uninterruptible(Effect.map(close, () => to.onEnd())) : Effect.void)
    )
  const pushed = Effect.matchCauseEffect(opened, {
    onSuccess: (response) => {
      answered = Effect.succeed(response)
      return to.onHead(response)
        ? Effect.catchAllCause(driven(response), () => Effect.sync(() => to.onStop()))
        : Effect.void
    },
    onFailure: (cause) => {
      answered = Effect.failCause(cause)
      return Effect.sync(() => to.onStop())
    }
  })
  const fiber = Runtime.runFork(runtime, Effect.interruptible(pushed), { immediate: false })
  return {
    response: Effect.suspend(() => answered),
    close: Effect.zipRight(Fiber.interrupt(fiber), close)
  }
}

// Not `Effect.never`, which holds an interval of the platform's.
const silence: Effect.Effect<never> = Effect.async(() => {})

const noConnection = (url: string, reason: Connection["reason"]): Connection =>
  new Connection({ url: displayUrl(url), reason, receivedBytes: 0, detail: "" })

const bytesOf = (content: string | Uint8Array): Uint8Array =>
  typeof content === "string" ? new TextEncoder().encode(content) : content

const usualChunkBytes = 64 * 1024

const responseOf = (url: string, reply: Reply): TransportResponse => {
  const body = bytesOf(reply.body ?? "")
  const headers = reply.headers ?? { "content-length": `${body.length}` }
  const announced = headers["content-length"]
  const end = Math.min(body.length, reply.breakAt?.bytes ?? body.length)
  // Used again for each chunk, as a transport may.
  const buffer = new Uint8Array(Math.min(Math.max(1, reply.chunkBytes ?? usualChunkBytes), Math.max(1, body.length)))
  let position = 0

  const next = (onChunk: (chunk: Uint8Array) => boolean): Effect.Effect<"Ended" | "Paused", TransportError> =>
    Effect.suspend(() => {
      if (position >= end) {
        return ending
      }
      const take = Effect.suspend(() => {
        const bytes = Math.min(buffer.length, end - position)
        const chunk = buffer.subarray(0, bytes)
        chunk.set(body.subarray(position, position + bytes))
        position += bytes
        const more = onChunk(chunk)
        if (more) {
          buffer.fill(0xee)
        }
        return more ? next(onChunk) : Effect.succeed("Paused" as const)
      })
      return reply.chunkDelay === undefined ? take : Effect.zipRight(Effect.sleep(reply.chunkDelay), take)
    })

  const ending: Effect.Effect<"Ended", TransportError> = Effect.suspend(() => {
    if (reply.breakAt?.how === "silence") {
      return silence
    }
    const isShort = reply.breakAt !== undefined && reply.breakAt.how !== "unnoticed"
    return isShort
      ? new Truncated({
          url: displayUrl(url),
          expectedBytes: announced === undefined ? undefined : Number(announced),
          receivedBytes: position
        })
      : Effect.succeed("Ended" as const)
  })

  return { status: reply.status ?? 200, headers, drive: (onChunk) => next(onChunk) }
}
