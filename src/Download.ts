/**
 * What is asked for and what became of it: the request, its one outcome, and the report of a run.
 *
 * Values only. Who carries a request out is the `Downloader`.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Record from "effect/Record"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { DownloadError } from "./DownloadError.js"
import { displayUrl } from "./internal/displayUrl.js"
import { unchecked } from "./internal/unchecked.js"

const optional = <A, I>(schema: Schema.Schema<A, I>) => Schema.optionalWith(schema, { exact: true })

/**
 * One file to fetch.
 *
 * `id` is the caller's own name for it (a country code, a line number); every event and outcome carries the request, so
 * an outcome never has to be matched to its input by URL or by order.
 *
 * @category models
 * @since 0.1.0
 */
export class DownloadRequest extends Schema.Class<DownloadRequest>("halyard/DownloadRequest")({
  id: Schema.String,
  /** Absolute, `http:` or `https:`. */
  url: Schema.String,
  /** The path of the finished file. Its directory must exist. */
  destination: Schema.String,
  /** For one attempt, from its first request up to the last byte of the body. */
  timeout: Schema.DurationFromMillis,
  /** For the whole request: all attempts, and all waits for permits and retries. Default: none. */
  deadline: optional(Schema.DurationFromMillis),
  /** For a new connection. Default: the downloader's. */
  connectTimeout: optional(Schema.DurationFromMillis),
  /** From the sending of a request, its connection included, to the end of the response's head. Default: the downloader's. */
  headersTimeout: optional(Schema.DurationFromMillis),
  /** Fewer bytes of the body than this in that time are a stall, which ends an attempt. Default: the downloader's. */
  stall: optional(Schema.Struct({ bytes: Schema.Number, within: Schema.DurationFromMillis })),
  /**
   * What happens where the destination exists already; decided atomically when the file is published. `unique` gives
   * the file the first free one of `name.gif`, `name-2.gif`, `name-3.gif` and so on.
   */
  onExists: Schema.Literal("overwrite", "skip", "fail", "unique"),
  /** Sent to the URL's own origin and to no other, whatever redirects say. Neither shown nor journalled. */
  headers: optional(Schema.Record({ key: Schema.String, value: Schema.Redacted(Schema.String) })),
  /** `sha256:` (or `sha384`, `sha512`) with hexadecimal digits, or Subresource Integrity strings, of which the strongest counts. */
  digest: optional(Schema.String),
  /** The exact size of the content in bytes. */
  sizeBytes: optional(Schema.Number),
  /** What a body may not exceed, in bytes. */
  limitBytes: optional(Schema.Number),
  /** What `Content-Type` must be, parameters aside: `image/gif`, or `image/*`. */
  mediaType: optional(Schema.String)
}) {}

/**
 * What holds for a request that says nothing else: an hour for an attempt (headers and stalls have bounds of their own,
 * see `Downloader`), and never overwrite.
 *
 * @category constructors
 * @since 0.1.0
 */
export const defaults: {
  readonly timeout: Duration.Duration
  readonly onExists: DownloadRequest["onExists"]
} = { timeout: Duration.hours(1), onExists: "fail" }

/**
 * Builds a request; `id` defaults to the URL, without credentials and query values.
 *
 * @category constructors
 * @since 0.1.0
 */
export const request = (options: {
  readonly url: string
  readonly destination: string
  readonly id?: string | undefined
  readonly timeout?: Duration.DurationInput | undefined
  readonly deadline?: Duration.DurationInput | undefined
  readonly connectTimeout?: Duration.DurationInput | undefined
  readonly headersTimeout?: Duration.DurationInput | undefined
  readonly stall?: { readonly bytes: number; readonly within: Duration.DurationInput } | undefined
  readonly onExists?: DownloadRequest["onExists"] | undefined
  readonly headers?: Readonly<Record<string, string | Redacted.Redacted>> | undefined
  readonly digest?: string | undefined
  readonly sizeBytes?: number | undefined
  readonly limitBytes?: number | undefined
  readonly mediaType?: string | undefined
}): DownloadRequest =>
  new DownloadRequest(
    {
      id: options.id ?? displayUrl(options.url),
      url: options.url,
      destination: options.destination,
      timeout: Duration.decode(options.timeout ?? defaults.timeout),
      onExists: options.onExists ?? defaults.onExists,
      ...(options.deadline === undefined ? {} : { deadline: Duration.decode(options.deadline) }),
      ...(options.connectTimeout === undefined ? {} : { connectTimeout: Duration.decode(options.connectTimeout) }),
      ...(options.headersTimeout === undefined ? {} : { headersTimeout: Duration.decode(options.headersTimeout) }),
      ...(options.stall === undefined
        ? {}
        : { stall: { bytes: options.stall.bytes, within: Duration.decode(options.stall.within) } }),
      ...(options.headers === undefined
        ? {}
        : {
            headers: Record.map(options.headers, (value) => (Redacted.isRedacted(value) ? value : Redacted.make(value)))
          }),
      ...(options.digest === undefined ? {} : { digest: options.digest }),
      ...(options.sizeBytes === undefined ? {} : { sizeBytes: options.sizeBytes }),
      ...(options.limitBytes === undefined ? {} : { limitBytes: options.limitBytes }),
      ...(options.mediaType === undefined ? {} : { mediaType: options.mediaType })
    },
    unchecked
  )

/**
 * What the content was checked against. `digest`: the request's digest. `length`: a number of bytes that the request or
 * the server gave. `none`: nothing, because the response had neither and ended with its connection or its last chunk.
 *
 * @category schemas
 * @since 0.2.0
 */
export const Verification: Schema.Literal<["digest", "length", "none"]> = Schema.Literal("digest", "length", "none")

/**
 * What the content was checked against.
 *
 * @category models
 * @since 0.2.0
 */
export type Verification = typeof Verification.Type

/**
 * The file stands complete under its final name, and will after a power cut (with `durability: "rename"`: unless the
 * power is cut in the next moments).
 *
 * @category models
 * @since 0.1.0
 */
export class Saved extends Schema.TaggedClass<Saved>("halyard/DownloadOutcome/Saved")("Saved", {
  request: DownloadRequest,
  /** Where the file stands: the request's destination; with `unique` perhaps a numbered one. */
  destination: Schema.String,
  bytes: Schema.Number,
  verified: Verification,
  /** How many attempts it took, from 1. */
  attempts: Schema.Number
}) {}

/**
 * The destination existed and the request said `skip`; nothing was written.
 *
 * @category models
 * @since 0.1.0
 */
export class Skipped extends Schema.TaggedClass<Skipped>("halyard/DownloadOutcome/Skipped")("Skipped", {
  request: DownloadRequest
}) {}

/**
 * The file was not saved, for the reason that `error` gives. What stood under the destination stands there still; except
 * for `Disk` with reason `not-durable`, where the new file does.
 *
 * @category models
 * @since 0.1.0
 */
export class Failed extends Schema.TaggedClass<Failed>("halyard/DownloadOutcome/Failed")("Failed", {
  request: DownloadRequest,
  error: DownloadError
}) {}

/**
 * This request was given up before its file was published. Where others had asked for the same file, their transfer
 * goes on.
 *
 * @category models
 * @since 0.1.0
 */
export class Cancelled extends Schema.TaggedClass<Cancelled>("halyard/DownloadOutcome/Cancelled")("Cancelled", {
  request: DownloadRequest
}) {}

/**
 * What became of one request. Every request that a run took in ends in exactly one.
 *
 * @category schemas
 * @since 0.1.0
 */
export const DownloadOutcome = Schema.Union(Saved, Skipped, Failed, Cancelled)

/**
 * What became of one request.
 *
 * @category models
 * @since 0.1.0
 */
export type DownloadOutcome = typeof DownloadOutcome.Type

/**
 * Outcomes, counted. `saved + skipped + failed + cancelled` is the number of requests taken in.
 *
 * @category models
 * @since 0.1.0
 */
export interface RunReport {
  readonly saved: number
  readonly skipped: number
  readonly failed: number
  readonly cancelled: number
  /** How many of the failed were `404 Not Found`. */
  readonly notFound: number
  /** The failed by the tag of their error. */
  readonly failures: { readonly [tag in DownloadError["_tag"]]?: number }
  /** Bytes of the saved files. */
  readonly bytes: number
}

/**
 * The report of no outcomes.
 *
 * @category reports
 * @since 0.1.0
 */
export const emptyReport: RunReport = {
  saved: 0,
  skipped: 0,
  failed: 0,
  cancelled: 0,
  notFound: 0,
  failures: {},
  bytes: 0
}

/**
 * Adds one outcome to a report.
 *
 * @category reports
 * @since 0.1.0
 */
export const addOutcome = (report: RunReport, outcome: DownloadOutcome): RunReport => {
  switch (outcome._tag) {
    case "Saved":
      return { ...report, saved: report.saved + 1, bytes: report.bytes + outcome.bytes }
    case "Skipped":
      return { ...report, skipped: report.skipped + 1 }
    case "Cancelled":
      return { ...report, cancelled: report.cancelled + 1 }
    case "Failed": {
      const tag = outcome.error._tag
      return {
        ...report,
        failed: report.failed + 1,
        notFound: report.notFound + (isNotFound(outcome.error) ? 1 : 0),
        failures: { ...report.failures, [tag]: (report.failures[tag] ?? 0) + 1 }
      }
    }
  }
}

/**
 * Whether the server said that there is no such file (RFC 9110 §15.5.5).
 *
 * @category predicates
 * @since 0.1.0
 */
export const isNotFound = (error: DownloadError): boolean => error._tag === "HttpStatus" && error.status === 404

/**
 * The exit code that says what a report says: 0 where all files were saved or skipped, else 1.
 *
 * @category reports
 * @since 0.1.0
 */
export const exitCode = (report: RunReport): 0 | 1 => (report.failed + report.cancelled > 0 ? 1 : 0)
