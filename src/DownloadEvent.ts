/**
 * The events of a run. Each request has `Started` when its transfer begins, `Responded` for each response if the downloader has the
 * option `responses`, `Advanced` while its body arrives, and `Exchanged` when a request to a server has ended, unless the option
 * `exchanges` is false. It has `Retrying` before each attempt after the first, and then `Finished` once. It has `Blocked` and
 * `Unblocked` if it waits long, `Paused` when a response says that a quota is used up, and `MirrorGivenUp` for each
 * mirror that brings no more of its file. A request that is cancelled before its transfer begins has `Finished` only.
 *
 * @since 0.1.0
 */

import { NodeInspectSymbol } from "effect/Inspectable"
import * as Schema from "effect/Schema"
import { DownloadOutcome, DownloadRequestShown } from "./Download.js"
import { DownloadError } from "./DownloadError.js"
import { late } from "./internal/late.js"
import { DisplayedUrl } from "./internal/text/displaySchemas.js"

const optionalMillis = Schema.optionalWith(Schema.Number, { exact: true })

const headers = Schema.Record({ key: Schema.String, value: Schema.String })

const at = {
  /** The time of the event by the `Clock`, in whole milliseconds since 1970. */
  atMillis: Schema.Number
}

/**
 * A transfer begins.
 *
 * @category models
 * @since 0.1.0
 */
export class Started extends Schema.TaggedClass<Started>("halyard.DownloadEvent.Started")("Started", {
  ...at,
  request: DownloadRequestShown
}) {}

/**
 * Bytes have arrived. Each transfer has at most five such events a second, and one more before a retry. When no more bytes arrive, the
 * last event comes within 0.2 seconds.
 *
 * @category models
 * @since 0.2.0
 */
export class Advanced extends Schema.TaggedClass<Advanced>("halyard.DownloadEvent.Advanced")("Advanced", {
  ...at,
  request: DownloadRequestShown,
  /** The size of the file so far, including the bytes of earlier attempts. Decreases if an attempt starts over. */
  bytes: Schema.Number,
  /** The size of the whole file. Undefined if the server did not announce it. */
  totalBytes: Schema.UndefinedOr(Schema.Number),
  /** The number of requests for the file that are open now. */
  connections: Schema.Number
}) {}

/**
 * The head of a response has arrived: of a first request, of a redirect, of the rest of a file, or of a segment. Sent only with the
 * option `responses` of the downloader.
 *
 * @category models
 * @since 0.2.0
 */
export class Responded extends Schema.TaggedClass<Responded>("halyard.DownloadEvent.Responded")("Responded", {
  ...at,
  request: DownloadRequestShown,
  /** The URL that has answered. The encoded and the printed form have no secrets. */
  url: DisplayedUrl,
  status: Schema.Number,
  /** Without secrets: values of cookies, tokens and the like are `…`. */
  headers
}) {
  toJSON(): unknown {
    return encodeResponded(this)
  }

  override toString(): string {
    return `Responded(${JSON.stringify(encodeResponded(this))})`
  }

  [NodeInspectSymbol](): string {
    return this.toString()
  }
}

const encodeResponded = late(() => Schema.encodeSync(Responded))

/**
 * One request to a server has ended: its response was received, or it failed, or it was given up. An attempt has one for its first
 * request, one for each redirect, and one for each segment.
 *
 * The durations are whole milliseconds, and their sum is the time from `beganAtMillis` to `atMillis`. A phase in which the request
 * failed lasts until its end. A duration that is left out is not known, or the request did not get so far.
 *
 * @category models
 * @since 0.2.0
 */
export class Exchanged extends Schema.TaggedClass<Exchanged>("halyard.DownloadEvent.Exchanged")("Exchanged", {
  ...at,
  request: DownloadRequestShown,
  /** The URL of this request. The encoded and the printed form have no secrets. */
  url: DisplayedUrl,
  method: Schema.String,
  /** The number of the attempt that the request belongs to, from 1. */
  attempt: Schema.Number,
  /** The first byte of the file that was requested: 0 unless the request was for a range. */
  offsetBytes: Schema.Number,
  /** The status of the response, if its head was received. */
  status: Schema.optionalWith(Schema.Number, { exact: true }),
  /** The URL that the response redirects to. The encoded and the printed form have no secrets. */
  redirectUrl: Schema.optionalWith(DisplayedUrl, { exact: true }),
  /** The number of bytes of the body that were received. */
  bytes: Schema.Number,
  /** Why the request failed, or why its response was not accepted. */
  error: Schema.optionalWith(DownloadError, { exact: true }),
  /** When the transfer began to wait for the permit of this request, in milliseconds since 1970. */
  beganAtMillis: Schema.Number,
  /** The wait for a permit, for the end of a pause of the origin, for a file descriptor, or for other responses of a pipeline. */
  permitMillis: Schema.Number,
  /** The time in which the name was looked up, for a new connection. */
  lookupMillis: optionalMillis,
  /** The time in which the connection was made, after the look-up and without TLS. It includes the time to connect through a proxy. */
  connectMillis: optionalMillis,
  /** The time of the TLS handshake. */
  tlsMillis: optionalMillis,
  /** The time from the connection to the head of the response. */
  firstByteMillis: optionalMillis,
  /** The time from the head to the end of the body. */
  bodyMillis: optionalMillis,
  /** The connection on which the request was sent, if the transport can see it. */
  connection: Schema.optionalWith(
    Schema.Struct({
      /** Identifies the connection within its transport. */
      id: Schema.Number,
      /** Whether an earlier request was sent on it. */
      isReused: Schema.Boolean,
      /** The IP address and the port of the server, or of the proxy. */
      remoteAddress: Schema.optionalWith(Schema.String, { exact: true })
    }),
    { exact: true }
  ),
  /**
   * True if another caller waits for the same transfer, and has the same event without this. So the requests and bytes of all callers
   * can be added up.
   */
  isShared: Schema.optionalWith(Schema.Boolean, { exact: true }),
  /** The headers of the request, with `…` for secrets. Only with the option `responses` of the downloader. */
  requestHeaders: Schema.optionalWith(headers, { exact: true }),
  /** The headers of the response, with `…` for secrets. Only with the option `responses` of the downloader. */
  responseHeaders: Schema.optionalWith(headers, { exact: true })
}) {
  toJSON(): unknown {
    return encodeExchanged(this)
  }

  override toString(): string {
    return `Exchanged(${JSON.stringify(encodeExchanged(this))})`
  }

  [NodeInspectSymbol](): string {
    return this.toString()
  }
}

const encodeExchanged = late(() => Schema.encodeSync(Exchanged))

/**
 * An attempt failed, and another follows.
 *
 * @category models
 * @since 0.2.0
 */
export class Retrying extends Schema.TaggedClass<Retrying>("halyard.DownloadEvent.Retrying")("Retrying", {
  ...at,
  request: DownloadRequestShown,
  error: DownloadError,
  /** The number of the failed attempt, from 1. */
  attempt: Schema.Number,
  /** The time until the next attempt. */
  delayMillis: Schema.Number,
  /** The mirror of the next attempt and those that follow it, if the URL that failed is given up. */
  mirror: Schema.optionalWith(DisplayedUrl, { exact: true })
}) {}

/**
 * One of several URLs that bring parts of the file at the same time has failed, or has another version of the file. It brings no more
 * of this file as long as the others do. The transfer goes on with them.
 *
 * @category models
 * @since 0.2.0
 */
export class MirrorGivenUp extends Schema.TaggedClass<MirrorGivenUp>("halyard.DownloadEvent.MirrorGivenUp")(
  "MirrorGivenUp",
  {
    ...at,
    request: DownloadRequestShown,
    /** One of the mirrors of the request, or its URL. */
    mirror: DisplayedUrl,
    error: DownloadError
  }
) {}

/**
 * A response has said that the quota of the client is used up (`RateLimit`). Its origin gets no requests during this time. Several
 * responses that say the same have one event. The transfer itself goes on.
 *
 * @category models
 * @since 0.2.0
 */
export class Paused extends Schema.TaggedClass<Paused>("halyard.DownloadEvent.Paused")("Paused", {
  ...at,
  request: DownloadRequestShown,
  origin: Schema.String,
  pauseMillis: Schema.Number
}) {}

/**
 * Why a transfer waits. The first six are for a permit.
 *
 * - `origin`: as many requests to the origin are in flight as its limit allows.
 * - `overload`: the same, and the limit is low because the origin was overloaded.
 * - `pause`: the origin has asked for a pause.
 * - `rate`: the number of requests a second is limited.
 * - `concurrency`: as many requests are in flight as the run or the downloader may have.
 * - `unreachable`: the origin has not answered, and another transfer tries it first.
 * - `descriptor`: as many files and connections are open as the system allows.
 * - `pipeline`: the requests before it on its connection have no response yet.
 * - `destination`: another request has the same destination, and its transfer has not ended.
 * - `disk`: the content is complete, and its file is not yet written, synced and named.
 *
 * @category models
 * @since 0.2.0
 */
export const Obstacle = Schema.Literal(
  "origin",
  "overload",
  "pause",
  "rate",
  "concurrency",
  "unreachable",
  "descriptor",
  "pipeline",
  "destination",
  "disk"
)

/**
 * Why a transfer waits.
 *
 * @category models
 * @since 0.2.0
 */
export type Obstacle = typeof Obstacle.Type

/**
 * A transfer has waited for a second, for a permit or for another reason, and goes on waiting. If the reason or the limit changes, the
 * event is sent again, at most every five seconds. Shorter waits have no event.
 *
 * @category models
 * @since 0.2.0
 */
export class Blocked extends Schema.TaggedClass<Blocked>("halyard.DownloadEvent.Blocked")("Blocked", {
  ...at,
  request: DownloadRequestShown,
  /** The origin to which the next request goes, or from which the content has come. */
  origin: Schema.String,
  obstacle: Obstacle,
  /** The number of requests at a time that are allowed. Only for `origin`, `overload` and `concurrency`. */
  limit: Schema.optionalWith(Schema.Number, { exact: true }),
  /** The time until the end of the pause. Only for `pause`. */
  pauseMillis: optionalMillis,
  /** The time since the wait began. */
  waitedMillis: Schema.Number
}) {}

/**
 * A wait that had `Blocked` is over: the transfer continues. If the transfer fails or ends instead, it has `Retrying` or
 * `Finished` only.
 *
 * @category models
 * @since 0.2.0
 */
export class Unblocked extends Schema.TaggedClass<Unblocked>("halyard.DownloadEvent.Unblocked")("Unblocked", {
  ...at,
  request: DownloadRequestShown,
  origin: Schema.String,
  /** The time since the wait began. */
  waitedMillis: Schema.Number
}) {}

/**
 * A request has its outcome.
 *
 * @category models
 * @since 0.1.0
 */
export class Finished extends Schema.TaggedClass<Finished>("halyard.DownloadEvent.Finished")("Finished", {
  ...at,
  outcome: DownloadOutcome
}) {}

/**
 * An event of a run.
 *
 * @category schemas
 * @since 0.1.0
 */
export const DownloadEvent = Schema.Union(
  Started,
  Responded,
  Advanced,
  Exchanged,
  Retrying,
  MirrorGivenUp,
  Paused,
  Blocked,
  Unblocked,
  Finished
)

/**
 * An event of one request.
 *
 * @category models
 * @since 0.1.0
 */
export type DownloadEvent = typeof DownloadEvent.Type
