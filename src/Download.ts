/**
 * What is asked for and what became of it: the request, its one outcome, and the report of a run.
 *
 * Values only. Who carries a request out is the `Downloader`.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import { NodeInspectSymbol } from "effect/Inspectable"
import * as Record from "effect/Record"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { DownloadError } from "./DownloadError.js"
import { displayLabel, displayUrl } from "./internal/displayUrl.js"
import * as RequestFields from "./internal/requestFields.js"
import { shownPath } from "./internal/shown.js"
import { unchecked } from "./internal/unchecked.js"

const OnExists = Schema.Literal("overwrite", "skip", "fail", "unique")

const fieldsOf = (form: RequestFields.Form, isChecked: boolean) => {
  const fields = RequestFields.make(form, isChecked)
  return {
    /** The caller's own name for the request. Default: the URL, without secrets. */
    id: Schema.optionalWith(fields.id, { exact: true, default: () => "" }),
    /** Absolute, `http:` or `https:`. */
    url: fields.url,
    /** The path of the finished file. Its directory must exist. */
    destination: fields.destination,
    /** For one attempt, from its first request up to the last byte of the body. */
    timeout: Schema.optionalWith(fields.timeout, {
      exact: true,
      default: (): Duration.Duration => defaults.timeout
    }),
    /** For the whole request: all attempts, and all waits for permits and retries. Default: none. */
    deadline: fields.deadline,
    /** For a new connection. Default: the downloader's. */
    connectTimeout: fields.connectTimeout,
    /** From the sending of a request, its connection included, to the end of the response's head. Default: the downloader's. */
    headersTimeout: fields.headersTimeout,
    /** Fewer bytes of the body than this in that time are a stall, which ends an attempt. Default: the downloader's. */
    stall: fields.stall,
    /**
     * What happens where the destination exists already; decided atomically when the file is published. `unique` gives
     * the file the first free one of `name.gif`, `name-2.gif`, `name-3.gif` and so on.
     */
    onExists: Schema.optionalWith(OnExists, { exact: true, default: (): typeof OnExists.Type => defaults.onExists }),
    /** Sent to the URL's own origin and to no other, whatever redirects say. Neither shown nor journalled. */
    headers: fields.headers,
    /** `sha256:` (or `sha384`, `sha512`) with hexadecimal digits, or Subresource Integrity strings, of which the strongest counts. */
    digest: fields.digest,
    /** The exact size of the content in bytes. */
    sizeBytes: fields.sizeBytes,
    /** What a body may not exceed, in bytes; `Infinity`: no limit, whatever the downloader's default is. */
    limitBytes: fields.limitBytes,
    /** What `Content-Type` must be, parameters aside: `image/gif`, or `image/*`. */
    mediaType: fields.mediaType
  }
}

const shownFields = fieldsOf(RequestFields.withoutSecrets, true)

/**
 * One file to fetch.
 *
 * `id` is the caller's own name for it (a country code, a line number); every event and outcome carries the request, so
 * an outcome never has to be matched to its input by URL or by order.
 *
 * As a schema it decodes from JSON, in which only `url` and `destination` are needed. A duration is a number of
 * milliseconds, or text such as `5 seconds`. Decoding refuses what no transfer could carry out, and says which field is
 * wrong. Its encoded form, which is also what it prints, holds no secret: no header values, no credentials, query values
 * and fragment of a URL, and of the destination the last segment alone. What was encoded so cannot be carried out any
 * more, and decoding refuses it if something was removed. For a queue or another machine: `DownloadRequestWithSecrets`.
 *
 * @category models
 * @since 0.1.0
 */
export class DownloadRequest extends Schema.Class<DownloadRequest>("halyard.DownloadRequest")(shownFields) {
  // It takes what the class takes, and the default of one field needs another.
  // @effect-diagnostics-next-line overriddenSchemaConstructor:off
  constructor(fields: Schema.Struct.Constructor<typeof shownFields>, options?: Schema.MakeOptions) {
    super(fields.id === undefined || fields.id === "" ? { ...fields, id: displayUrl(fields.url) } : fields, options)
  }

  toJSON(): unknown {
    return encodeShown(this)
  }

  override toString(): string {
    return printed(this, encodeShown(this))
  }

  [NodeInspectSymbol](): string {
    return this.toString()
  }
}

/** In this process, the whole destination is of use. */
const printed = (value: DownloadRequest | Saved, encoded: object): string =>
  `${value instanceof DownloadRequest ? "DownloadRequest" : value._tag}(${JSON.stringify({ ...encoded, destination: displayLabel(value.destination) })})`

const encodeShown = Schema.encodeSync(DownloadRequest)

const ofFields = (fields: typeof shownFields): Schema.Schema<DownloadRequest, typeof DownloadRequest.Encoded> =>
  Schema.transform(Schema.Struct(fields), Schema.typeSchema(DownloadRequest), {
    strict: true,
    decode: (decoded) => new DownloadRequest(decoded, unchecked),
    encode: (request) => request
  })

/**
 * A request with all that is needed to carry it out: header values, credentials, query values and the whole destination
 * in clear. For a queue, or another machine; not for an answer or a log. Decodes what it encoded, and checks as
 * `DownloadRequest` does.
 *
 * @category schemas
 * @since 0.2.0
 */
export const DownloadRequestWithSecrets: Schema.Schema<DownloadRequest, typeof DownloadRequest.Encoded> = ofFields(
  fieldsOf(RequestFields.withSecrets, true)
).annotations({ identifier: "halyard.DownloadRequestWithSecrets" })

/**
 * A request in the form in which outcomes and events carry it: encoded as `DownloadRequest` is, and decoded whatever was
 * removed from it, and whether or not it could be carried out.
 *
 * @category schemas
 * @since 0.2.0
 */
export const DownloadRequestShown: Schema.Schema<DownloadRequest, typeof DownloadRequest.Encoded> = ofFields(
  fieldsOf(RequestFields.withoutSecrets, false)
).annotations({ identifier: "halyard.DownloadRequestShown" })

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
export class Saved extends Schema.TaggedClass<Saved>("halyard.DownloadOutcome.Saved")("Saved", {
  request: DownloadRequestShown,
  /** Where the file stands: the request's destination; with `unique` perhaps a numbered one. Encoded: its last segment. */
  destination: shownPath,
  bytes: Schema.Number,
  verified: Verification,
  /** How many attempts it took, from 1. */
  attempts: Schema.Number
}) {
  toJSON(): unknown {
    return encodeSaved(this)
  }

  override toString(): string {
    return printed(this, encodeSaved(this))
  }

  [NodeInspectSymbol](): string {
    return this.toString()
  }
}

const encodeSaved = Schema.encodeSync(Saved)

/**
 * The destination existed and the request said `skip`; nothing was written.
 *
 * @category models
 * @since 0.1.0
 */
export class Skipped extends Schema.TaggedClass<Skipped>("halyard.DownloadOutcome.Skipped")("Skipped", {
  request: DownloadRequestShown
}) {}

/**
 * The file was not saved, for the reason that `error` gives. What stood under the destination stands there still; except
 * for `Disk` with reason `not-durable`, where the new file does.
 *
 * @category models
 * @since 0.1.0
 */
export class Failed extends Schema.TaggedClass<Failed>("halyard.DownloadOutcome.Failed")("Failed", {
  request: DownloadRequestShown,
  error: DownloadError
}) {}

/**
 * This request was given up before its file was published. Where others had asked for the same file, their transfer
 * goes on.
 *
 * @category models
 * @since 0.1.0
 */
export class Cancelled extends Schema.TaggedClass<Cancelled>("halyard.DownloadOutcome.Cancelled")("Cancelled", {
  request: DownloadRequestShown
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
