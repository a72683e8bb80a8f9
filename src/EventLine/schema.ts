/**
 * The schemas of the lines. The doc comments of `DownloadEvent` and `Download` say more about the fields of the same name.
 */
import * as Schema from "effect/Schema"
import * as Download from "../Download.js"
import { Obstacle } from "../DownloadEvent.js"
import { ErrorFields } from "./errorFields.js"

export { ErrorFields } from "./errorFields.js"

/**
 * The version of the schema, which the line `Run` has. A field or a kind of line that is added does not change it. A reader ignores
 * fields and kinds that it does not know.
 *
 * @category schemas
 * @since 0.2.0
 */
export const version = 1

const whole = (description: string) =>
  Schema.Number.pipe(Schema.int(), Schema.nonNegative()).annotations({ title: "whole number", description })

const text = (description: string) => Schema.String.annotations({ description })

const atMillis = whole("The time of the event, in milliseconds since 1970.")

const index = whole("The position of the file in the input of the run, from 1. It identifies the transfer.")

const code = Schema.optional(text("The code of the flag. Only in lines of `halyard flags`."))

const event = <Name extends string>(name: Name) => ({ event: Schema.Literal(name), atMillis })

const transfer = {
  index,
  code,
  url: text("The URL, without secrets unless the run has --show-urls."),
  file: text("The path of the file.")
}

/**
 * The first line of a run. A run with `--quiet` has it before the first failure, and not without one.
 *
 * @category schemas
 * @since 0.2.0
 */
export const Run = Schema.Struct({
  ...event("Run"),
  schema: Schema.Literal(version).annotations({ description: "The version of this schema." }),
  halyard: text("The version of halyard."),
  command: Schema.Literal("get", "flags")
}).annotations({ identifier: "Run", description: "The first line of a run." })

/**
 * The number of files of the run, if it is known before the input has been read.
 *
 * @category schemas
 * @since 0.2.0
 */
export const Expected = Schema.Struct({
  ...event("Expected"),
  files: whole("The number of files in the input.")
}).annotations({
  identifier: "Expected",
  description: "The number of files of the run. Printed only if it is known before the input has been read."
})

/**
 * A transfer begins.
 *
 * @category schemas
 * @since 0.2.0
 */
export const Started = Schema.Struct({
  ...event("Started"),
  ...transfer,
  totalBytes: Schema.optional(whole("The size of the file, if the input has it."))
}).annotations({ identifier: "Started", description: "A transfer begins." })

/**
 * Bytes have arrived. A transfer has at most five such lines a second, and one more before a retry.
 *
 * @category schemas
 * @since 0.2.0
 */
export const Advanced = Schema.Struct({
  ...event("Advanced"),
  index,
  bytes: whole("The size of the file so far. It decreases if an attempt starts over."),
  totalBytes: Schema.optional(whole("The size of the whole file, if the server has announced it.")),
  connections: whole("The number of requests for the file that are open.")
}).annotations({
  identifier: "Advanced",
  description: "Bytes have arrived. A transfer has at most five such lines a second, and one more before a retry."
})

const millis = (description: string) => Schema.optional(whole(description))

const headers = (description: string) =>
  Schema.optional(Schema.Record({ key: Schema.String, value: Schema.String }).annotations({ description }))

/**
 * One request to a server has ended. The durations add up to the time from `beganAtMillis` to `atMillis`.
 *
 * @category schemas
 * @since 0.2.0
 */
export const Exchanged = Schema.Struct({
  ...event("Exchanged"),
  index,
  url: text("The URL of this request, without secrets unless the run has --show-urls."),
  method: text("The method of the request."),
  attempt: whole("The number of the attempt, from 1."),
  offsetBytes: whole("The first byte of the file that was requested."),
  status: Schema.optional(whole("The status of the response.")),
  redirectUrl: Schema.optional(
    text("The URL that the response redirects to, without secrets unless the run has --show-urls.")
  ),
  bytes: whole("The number of bytes of the body that were received."),
  beganAtMillis: whole("When the transfer began to wait for the permit of the request, in milliseconds since 1970."),
  permitMillis: whole("The wait for a permit, for the end of a pause of the origin, or for a file descriptor."),
  lookupMillis: millis("The time in which the name was looked up, for a new connection."),
  connectMillis: millis("The time in which the connection was made, after the look-up and without TLS."),
  tlsMillis: millis("The time of the TLS handshake."),
  firstByteMillis: millis("The time from the connection to the head of the response."),
  bodyMillis: millis("The time from the head to the end of the body."),
  connection: Schema.optional(
    Schema.Struct({
      id: whole("Identifies the connection."),
      isReused: Schema.Boolean.annotations({ description: "Whether an earlier request was sent on it." }),
      remoteAddress: Schema.optional(text("The IP address and the port of the server, or of the proxy."))
    })
  ),
  requestHeaders: headers("The headers of the request, without secrets. Only in runs with --verbose or --har."),
  responseHeaders: headers("The headers of the response, without secrets. Only in runs with --verbose or --har."),
  error: Schema.optional(ErrorFields)
}).annotations({
  identifier: "Exchanged",
  description: "One request to a server has ended. The durations add up to the time from beganAtMillis to atMillis."
})

/**
 * An attempt failed, and another follows.
 *
 * @category schemas
 * @since 0.2.0
 */
export const Retrying = Schema.Struct({
  ...event("Retrying"),
  ...transfer,
  attempt: whole("The number of the failed attempt, from 1."),
  delayMillis: whole("The time until the next attempt."),
  mirror: Schema.optional(text("The mirror of the next attempt, if the URL that failed is given up.")),
  error: ErrorFields
}).annotations({ identifier: "Retrying", description: "An attempt failed, and another follows." })

/**
 * The head of a response. Only in runs with `--verbose`.
 *
 * @category schemas
 * @since 0.2.0
 */
export const Responded = Schema.Struct({
  ...event("Responded"),
  ...transfer,
  responseUrl: text("The URL that has answered, without secrets unless the run has --show-urls."),
  status: whole("The status of the response."),
  headers: Schema.Record({ key: Schema.String, value: Schema.String }).annotations({
    description: "The headers, without secrets."
  })
}).annotations({ identifier: "Responded", description: "The head of a response. Only in runs with --verbose." })

/**
 * A mirror brings no more of a file.
 *
 * @category schemas
 * @since 0.2.0
 */
export const MirrorGivenUp = Schema.Struct({
  ...event("MirrorGivenUp"),
  ...transfer,
  mirror: text("One of the mirrors of the file, or its URL."),
  error: ErrorFields
}).annotations({ identifier: "MirrorGivenUp", description: "A mirror brings no more of a file." })

/**
 * A quota is used up, and its origin gets no requests for a time.
 *
 * @category schemas
 * @since 0.2.0
 */
export const Paused = Schema.Struct({
  ...event("Paused"),
  ...transfer,
  origin: text("The origin whose quota is used up."),
  pauseMillis: whole("The time without requests to this origin.")
}).annotations({
  identifier: "Paused",
  description: "A quota of requests is used up, and its origin gets no requests for a time."
})

/**
 * A transfer waits long, for a permit or for another reason.
 *
 * @category schemas
 * @since 0.2.0
 */
export const Blocked = Schema.Struct({
  ...event("Blocked"),
  index,
  origin: text("The origin to which the next request goes, or from which the content has come."),
  obstacle: Obstacle.annotations({ description: "Why the transfer waits." }),
  limit: Schema.optional(whole("The number of requests at a time that are allowed.")),
  pauseMillis: Schema.optional(whole("The time until the end of the pause that the origin has asked for.")),
  waitedMillis: whole("The time since the wait began.")
}).annotations({
  identifier: "Blocked",
  description: "A transfer has waited for a second, for a permit or for another reason, and goes on waiting."
})

/**
 * The end of a wait that had `Blocked`.
 *
 * @category schemas
 * @since 0.2.0
 */
export const Unblocked = Schema.Struct({
  ...event("Unblocked"),
  index,
  origin: text("The origin to which the next request goes, or from which the content has come."),
  waitedMillis: whole("The time since the wait began.")
}).annotations({ identifier: "Unblocked", description: "The transfer continues, after Blocked." })

const finished = <Outcome extends string>(outcome: Outcome) => ({
  ...event("Finished"),
  outcome: Schema.Literal(outcome),
  ...transfer
})

const kept = {
  keptBytes: Schema.optional(whole("The number of bytes of a part that was kept. The same command continues it.")),
  discarded: Schema.optional(
    Schema.Struct({
      bytes: whole("The number of received bytes that were discarded."),
      reason: Download.Discarded.fields.reason.annotations({ description: "Why they could not be kept." })
    })
  )
}

/**
 * The file is complete under its final name.
 *
 * @category schemas
 * @since 0.2.0
 */
export const Saved = Schema.Struct({
  ...finished("Saved"),
  bytes: whole("The size of the file."),
  verified: Download.Verification.annotations({ description: "What the content was checked against." }),
  digest: Schema.optional(text("The digest of the content, if it was computed.")),
  attempts: whole("The number of attempts, from 1."),
  finalUrl: Schema.optional(text("The URL after all redirects, if it is another one.")),
  status: whole("The status of the response."),
  mediaType: Schema.optional(text("The Content-Type of the response without parameters.")),
  etag: Schema.optional(text("The ETag of the response.")),
  lastModified: Schema.optional(text("The Last-Modified of the response.")),
  serverName: Schema.optional(text("The name that the server gave, before it was made safe."))
}).annotations({ identifier: "Saved", description: "A transfer has ended: the file is complete under its final name." })

/**
 * The file existed, and was left as it is.
 *
 * @category schemas
 * @since 0.2.0
 */
export const Skipped = Schema.Struct({
  ...finished("Skipped"),
  reason: Download.Skipped.fields.reason
}).annotations({ identifier: "Skipped", description: "The file existed, and was left as it is." })

/**
 * The server says that the file has not changed.
 *
 * @category schemas
 * @since 0.2.0
 */
export const NotModified = Schema.Struct(finished("NotModified")).annotations({
  identifier: "NotModified",
  description: "The server says that the file has not changed."
})

/**
 * The file was not saved.
 *
 * @category schemas
 * @since 0.2.0
 */
export const Failed = Schema.Struct({
  ...finished("Failed"),
  error: ErrorFields,
  hint: Schema.optional(text("Options that may help.")),
  ...kept,
  list: Schema.optional(text("The list of an item for which no request was sent.")),
  line: Schema.optional(whole("The line of that item."))
}).annotations({ identifier: "Failed", description: "The file was not saved." })

/**
 * The transfer was interrupted.
 *
 * @category schemas
 * @since 0.2.0
 */
export const Cancelled = Schema.Struct({
  ...finished("Cancelled"),
  attempts: Schema.optional(whole("The number of attempts that had begun. 0: no request was sent.")),
  ...kept
}).annotations({
  identifier: "Cancelled",
  description: "The transfer was interrupted."
})

/**
 * A transfer has its outcome. Each file of the input has one such line, unless the run is quiet.
 *
 * @category schemas
 * @since 0.2.0
 */
export const Finished = Schema.Union(Saved, Skipped, NotModified, Failed, Cancelled)

const count = (description: string) => whole(description)

/**
 * The last line of a run.
 *
 * @category schemas
 * @since 0.2.0
 */
export const Report = Schema.Struct({
  ...event("Report"),
  report: Schema.Struct({
    saved: count("The number of saved files."),
    skipped: count("The number of files that were left as they are."),
    notModified: count("The number of files that have not changed on the server."),
    failed: count("The number of files that were not saved."),
    cancelled: count("The number of transfers that were interrupted after they had begun."),
    notStarted: Schema.optional(
      count(
        "The number of files for which the run was stopped before anything was sent. Some of them have no other line."
      )
    ),
    notFound: count("The number of failed transfers with the status 404."),
    failures: Schema.Record({ key: Schema.String, value: count("The number of failures of this kind.") }).annotations({
      description: "The number of failed transfers by the kind of the error."
    }),
    bytes: count("The size of all saved files.")
  }),
  elapsedMillis: whole("The time since the start of the run.")
}).annotations({ identifier: "Report", description: "The last line of a run: how many files have which outcome." })

/**
 * A line of `--json`.
 *
 * @category schemas
 * @since 0.2.0
 */
export const EventLine = Schema.Union(
  Run,
  Expected,
  Started,
  Advanced,
  Exchanged,
  Retrying,
  Responded,
  MirrorGivenUp,
  Paused,
  Blocked,
  Unblocked,
  Saved,
  Skipped,
  NotModified,
  Failed,
  Cancelled,
  Report
).annotations({ identifier: "EventLine", title: `A line of halyard --json, schema ${version}` })

/**
 * A line of `--json`.
 *
 * @category models
 * @since 0.2.0
 */
export type EventLine = typeof EventLine.Type
