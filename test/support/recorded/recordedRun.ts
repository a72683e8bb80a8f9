/**
 * Events of runs, with their times, for the tests of what is recorded of them.
 */
import * as Download from "../../../src/Download.js"
import { type DownloadError, HttpStatus, Truncated } from "../../../src/DownloadError.js"
import {
  Advanced,
  Blocked,
  type DownloadEvent,
  Exchanged,
  Finished,
  type Obstacle,
  Retrying,
  Started
} from "../../../src/DownloadEvent.js"
import * as Unvalidated from "../../../src/internal/unvalidated.js"
import type { RunData } from "../../../src/RunRecord/data.js"

/** When the runs begin, in milliseconds since 1970. */
export const begin = Date.UTC(2026, 0, 2, 3, 4, 5)

export const requestTo = (url: string, destination: string): Download.DownloadRequest =>
  Download.request({ url, destination })

type Request = Download.DownloadRequest

export const started = (request: Request, at: number) => Unvalidated.make(Started, { request, atMillis: begin + at })

export const advanced = (request: Request, at: number, bytes: number) =>
  Unvalidated.make(Advanced, { request, atMillis: begin + at, bytes, totalBytes: undefined, connections: 1 })

export interface ExchangeOptions {
  readonly url?: string
  readonly began?: number
  readonly at: number
  readonly blocked?: number
  readonly lookup?: number
  readonly connect?: number
  readonly tls?: number
  readonly wait?: number
  readonly receive?: number
  readonly bytes?: number
  readonly attempt?: number
  readonly status?: number
  readonly error?: DownloadError
}

export const exchanged = (request: Request, options: ExchangeOptions) =>
  Unvalidated.make(Exchanged, {
    request,
    atMillis: begin + options.at,
    url: options.url ?? request.url,
    method: "GET",
    attempt: options.attempt ?? 1,
    offsetBytes: 0,
    bytes: options.bytes ?? 0,
    beganAtMillis: begin + (options.began ?? 0),
    permitMillis: options.blocked ?? 0,
    ...(options.status === undefined ? {} : { status: options.status }),
    ...(options.error === undefined ? {} : { error: options.error }),
    ...(options.lookup === undefined ? {} : { lookupMillis: options.lookup }),
    ...(options.connect === undefined ? {} : { connectMillis: options.connect }),
    ...(options.tls === undefined ? {} : { tlsMillis: options.tls }),
    ...(options.wait === undefined ? {} : { firstByteMillis: options.wait }),
    ...(options.receive === undefined ? {} : { bodyMillis: options.receive })
  })

export const retrying = (request: Request, at: number, delayMillis: number, error: DownloadError, attempt = 1) =>
  Unvalidated.make(Retrying, { request, atMillis: begin + at, attempt, delayMillis, error })

export const blocked = (request: Request, at: number, obstacle: Obstacle, limit?: number) =>
  Unvalidated.make(Blocked, {
    request,
    atMillis: begin + at,
    origin: new URL(request.url).origin,
    obstacle,
    waitedMillis: 1000,
    ...(limit === undefined ? {} : { limit })
  })

export const saved = (request: Request, at: number, bytes: number) =>
  Unvalidated.make(Finished, {
    atMillis: begin + at,
    outcome: Unvalidated.make(Download.Saved, {
      request,
      destination: request.destination,
      bytes,
      verified: "length",
      attempts: 1,
      url: request.url,
      status: 200
    })
  })

export const failed = (request: Request, at: number, error: DownloadError, left: Left = {}) =>
  Unvalidated.make(Finished, {
    atMillis: begin + at,
    outcome: Unvalidated.make(Download.Failed, { request, error, ...left })
  })

type Left = Pick<Download.Failed, "keptBytes" | "discarded">

export const cancelled = (request: Request, at: number, attempts = 1) =>
  Unvalidated.make(Finished, {
    atMillis: begin + at,
    outcome: Unvalidated.make(Download.Cancelled, { request, attempts })
  })

/** The data in a report page. */
export const runDataOf = (html: string): RunData =>
  JSON.parse(/<script type="application\/json" id="run">([^<]*)</.exec(html)?.[1] ?? "")

export const missing = (request: Request) => Unvalidated.make(HttpStatus, { url: request.url, status: 404 })

export const brokenOff = (request: Request, receivedBytes: number) =>
  Unvalidated.make(Truncated, { url: request.url, expectedBytes: 2 * receivedBytes, receivedBytes })

/**
 * A run of `files` files from two origins, eight at a time. Each tenth is missing. Each seventh breaks off, and is saved by a second
 * attempt.
 */
export const run = (files: number): ReadonlyArray<DownloadEvent> => {
  const events: Array<DownloadEvent> = []
  for (let index = 0; index < files; index++) {
    const at = Math.floor(index / 8) * 100 + (index % 8)
    const request = requestTo(`http://origin${index % 2}.test/file-${index}.bin`, `out/file-${index}.bin`)
    events.push(started(request, at))
    const first = { began: at, at: at + 80, blocked: 10, connect: 10, wait: 20, receive: 40, bytes: 4000, status: 200 }
    if (index % 10 === 9) {
      const error = missing(request)
      events.push(exchanged(request, { ...first, status: 404, error }), failed(request, at + 80, error))
    } else if (index % 7 === 6) {
      const error = brokenOff(request, 4000)
      events.push(
        exchanged(request, { ...first, error }),
        retrying(request, at + 80, 500, error),
        exchanged(request, {
          began: at + 580,
          at: at + 640,
          wait: 20,
          receive: 40,
          bytes: 4000,
          attempt: 2,
          status: 206
        }),
        saved(request, at + 645, 8000)
      )
    } else {
      events.push(exchanged(request, first), saved(request, at + 85, 4000))
    }
  }
  return events.sort((one, other) => one.atMillis - other.atMillis)
}
