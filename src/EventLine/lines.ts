/**
 * Makes the lines of a run from its events. It does not need the schemas of the lines: a run of small files makes several lines for
 * each file.
 */
import * as Schema from "effect/Schema"
import type * as Download from "../Download.js"
import { DownloadError } from "../DownloadError.js"
import type { DownloadEvent, Exchanged } from "../DownloadEvent.js"
import { displayPath, displayUrl } from "../internal/text/displayUrl.js"
import * as GivenUrls from "./givenUrls.js"
import type { ErrorFields, EventLine, Exchanged as ExchangedLine, Report, Run } from "./schema.js"

/**
 * How the lines of a run name its transfers.
 *
 * @category models
 * @since 0.2.0
 */
export interface LineOptions {
  /** The position of a request in the input of the run, from 1. */
  readonly indexOf: (request: Download.DownloadRequest) => number
  /** The code of a flag. Default: the lines have no code. */
  readonly codeOf?: ((request: Download.DownloadRequest) => string) | undefined
  /** What helps against an error. Default: the lines have no hint. */
  readonly hintOf?: ((error: DownloadError) => string | undefined) | undefined
  /** True for URLs with their credentials and query values. Default: the lines have no secrets. */
  readonly showsUrls?: boolean | undefined
}

/**
 * Where the input has an item for which no request is sent.
 *
 * @category models
 * @since 0.2.0
 */
export interface Place {
  readonly list: string
  readonly line: number
}

/**
 * The text of a line, with its line end.
 *
 * @category encoding
 * @since 0.2.0
 */
export const toText = (line: EventLine): string => `${JSON.stringify(line)}\n`

/**
 * The first line of a run of this version of halyard.
 *
 * @category constructors
 * @since 0.2.0
 */
export const run = (command: (typeof Run.Type)["command"], halyard: string, atMillis: number): typeof Run.Type => ({
  event: "Run",
  schema: 1,
  halyard,
  command,
  atMillis
})

/**
 * The last line of a run.
 *
 * @category constructors
 * @since 0.2.0
 */
export const report = (counts: Download.RunReport, elapsedMillis: number, atMillis: number): typeof Report.Type => ({
  event: "Report",
  atMillis,
  elapsedMillis: Math.round(elapsedMillis),
  report: counts
})

/**
 * The line of an event.
 *
 * @category constructors
 * @since 0.2.0
 */
export const fromEvent = (event: DownloadEvent, options: LineOptions): EventLine => {
  const { atMillis } = event
  learn(event, options)
  switch (event._tag) {
    case "Started": {
      const { request } = event
      return {
        event: "Started",
        atMillis,
        index: options.indexOf(request),
        code: options.codeOf?.(request),
        url: urlOf(request.url, options),
        file: request.destination,
        totalBytes: request.sizeBytes
      }
    }
    case "Advanced":
      return {
        event: "Advanced",
        atMillis,
        index: options.indexOf(event.request),
        bytes: event.bytes,
        totalBytes: event.totalBytes,
        connections: event.connections
      }
    case "Exchanged":
      return exchangedLine(event, options)
    case "Retrying":
      return {
        event: "Retrying",
        atMillis,
        ...transferOf(event.request, options),
        attempt: event.attempt,
        delayMillis: Math.round(event.delayMillis),
        mirror: event.mirror === undefined ? undefined : givenUrl(event.mirror, event.request, options),
        error: errorOf(event.error, event.request, options)
      }
    case "Responded":
      return {
        event: "Responded",
        atMillis,
        ...transferOf(event.request, options),
        responseUrl: urlOf(event.url, options),
        status: event.status,
        headers: event.headers
      }
    case "MirrorGivenUp":
      return {
        event: "MirrorGivenUp",
        atMillis,
        ...transferOf(event.request, options),
        mirror: givenUrl(event.mirror, event.request, options),
        error: errorOf(event.error, event.request, options)
      }
    case "Paused":
      return {
        event: "Paused",
        atMillis,
        ...transferOf(event.request, options),
        origin: event.origin,
        pauseMillis: Math.round(event.pauseMillis)
      }
    case "Blocked":
      return {
        event: "Blocked",
        atMillis,
        index: options.indexOf(event.request),
        origin: event.origin,
        obstacle: event.obstacle,
        limit: event.limit,
        pauseMillis: event.pauseMillis,
        waitedMillis: event.waitedMillis
      }
    case "Unblocked":
      return {
        event: "Unblocked",
        atMillis,
        index: options.indexOf(event.request),
        origin: event.origin,
        waitedMillis: event.waitedMillis
      }
    case "Finished":
      return fromOutcome(event.outcome, atMillis, options)
  }
}

/**
 * The line of a request to a server that has ended.
 *
 * @category constructors
 * @since 0.2.0
 */
export const fromExchanged = (event: Exchanged, options: LineOptions): typeof ExchangedLine.Type => {
  learn(event, options)
  return exchangedLine(event, options)
}

const exchangedLine = (event: Exchanged, options: LineOptions): typeof ExchangedLine.Type => ({
  event: "Exchanged",
  atMillis: event.atMillis,
  index: options.indexOf(event.request),
  url: urlOf(event.url, options),
  method: event.method,
  attempt: event.attempt,
  offsetBytes: event.offsetBytes,
  status: event.status,
  redirectUrl: event.redirectUrl === undefined ? undefined : urlOf(event.redirectUrl, options),
  bytes: event.bytes,
  beganAtMillis: event.beganAtMillis,
  permitMillis: event.permitMillis,
  lookupMillis: event.lookupMillis,
  connectMillis: event.connectMillis,
  tlsMillis: event.tlsMillis,
  firstByteMillis: event.firstByteMillis,
  bodyMillis: event.bodyMillis,
  connection: event.connection,
  requestHeaders: event.requestHeaders,
  responseHeaders: event.responseHeaders,
  error: event.error === undefined ? undefined : errorOf(event.error, event.request, options)
})

/**
 * The line of an outcome. `place` is that of an item for which no request was sent.
 *
 * @category constructors
 * @since 0.2.0
 */
export const fromOutcome = (
  outcome: Download.DownloadOutcome,
  atMillis: number,
  options: LineOptions,
  place?: Place
): EventLine => {
  switch (outcome._tag) {
    case "Saved": {
      const { request } = outcome
      // One object without spreads takes a tenth of the time, and most lines of a run are of this kind.
      return {
        event: "Finished",
        atMillis,
        outcome: "Saved",
        index: options.indexOf(request),
        code: options.codeOf?.(request),
        url: urlOf(request.url, options),
        file: outcome.destination,
        bytes: outcome.bytes,
        verified: outcome.verified,
        digest: outcome.digest,
        attempts: outcome.attempts,
        finalUrl: outcome.url === request.url ? undefined : urlOf(outcome.url, options),
        status: outcome.status,
        mediaType: outcome.mediaType,
        etag: outcome.etag,
        lastModified: outcome.lastModified,
        serverName: outcome.serverName
      }
    }
    case "Skipped":
      return {
        event: "Finished",
        atMillis,
        outcome: "Skipped",
        ...transferOf(outcome.request, options, outcome.destination),
        reason: outcome.reason
      }
    case "NotModified":
      return {
        event: "Finished",
        atMillis,
        outcome: "NotModified",
        ...transferOf(outcome.request, options, outcome.destination)
      }
    case "Failed":
      return {
        event: "Finished",
        atMillis,
        outcome: "Failed",
        ...transferOf(outcome.request, options),
        error: errorOf(outcome.error, outcome.request, options),
        hint: options.hintOf?.(outcome.error),
        keptBytes: outcome.keptBytes,
        discarded: outcome.discarded,
        list: place?.list,
        line: place?.line
      }
    case "Cancelled":
      return {
        event: "Finished",
        atMillis,
        outcome: "Cancelled",
        ...transferOf(outcome.request, options),
        attempts: outcome.attempts,
        keptBytes: outcome.keptBytes,
        discarded: outcome.discarded
      }
  }
}

// A transfer has at least three lines, and they have the same URL. The table is emptied when it is full, so that it stays small.
const displayed = new Map<string, string>()
const displayedAtMost = 512

const urlOf = (url: string, { showsUrls }: LineOptions): string => {
  if (showsUrls === true) {
    return url
  }
  const known = displayed.get(url)
  if (known !== undefined) {
    return known
  }
  if (displayed.size >= displayedAtMost) {
    displayed.clear()
  }
  const shown = displayUrl(url)
  displayed.set(url, shown)
  return shown
}

const transferOf = (request: Download.DownloadRequest, options: LineOptions, file: string = request.destination) => ({
  index: options.indexOf(request),
  code: options.codeOf?.(request),
  url: urlOf(request.url, options),
  file
})

const learn = (event: DownloadEvent, { showsUrls }: LineOptions): void => {
  if (showsUrls === true) {
    GivenUrls.learn(event)
  }
}

const givenUrl = (shown: string, request: Download.DownloadRequest, { showsUrls }: LineOptions): string =>
  showsUrls === true ? GivenUrls.find(shown, request) : shown

const errorOf = (
  error: DownloadError,
  request: Download.DownloadRequest,
  options: LineOptions
): typeof ErrorFields.Type => {
  const fields = errorFields(error)
  return options.showsUrls === true && "url" in fields && typeof fields.url === "string"
    ? { ...fields, url: givenUrl(fields.url, request, options) }
    : fields
}

const encodeError = Schema.encodeSync(DownloadError)

/** The fields of an error, and its message. */
export const errorFields = (error: DownloadError): typeof ErrorFields.Type => {
  const fields = encodeError(error)
  // The encoded error has no directories. The output of a command stays on this machine, so it has the whole path.
  return error._tag === "Disk" && fields._tag === "Disk"
    ? { ...fields, path: displayPath(error.path), message: error.message }
    : { ...fields, message: error.message }
}
