/**
 * Requests, their outcomes, and the report of a run.
 *
 * This module has values only. `Downloader` carries requests out.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import { NodeInspectSymbol } from "effect/Inspectable"
import * as Record from "effect/Record"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as RequestFields from "./Download/requestFields.js"
import { DownloadError } from "./DownloadError.js"
import { DisplayedName } from "./internal/text/displaySchemas.js"
import { displayPath, displayUrl } from "./internal/text/displayUrl.js"
import { unvalidated } from "./internal/unvalidated.js"

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
    /** Maximum time for one attempt, from its first request to the last byte of the body. */
    timeout: Schema.optionalWith(fields.timeout, {
      exact: true,
      default: (): Duration.Duration => defaults.timeout
    }),
    /** Maximum time for the whole request: all attempts, and all waits for permits and retries. Default: no limit. */
    deadline: fields.deadline,
    /** Maximum time for a new connection. Default: the downloader's. */
    connectTimeout: fields.connectTimeout,
    /** Maximum time from the start of a request, its connection included, to the end of the response's head. Default: the downloader's. */
    headersTimeout: fields.headersTimeout,
    /** Ends an attempt that receives fewer than `bytes` of the body in the time `within`. Default: the downloader's. */
    stall: fields.stall,
    /**
     * What to do if the destination exists. Decided atomically when the file is published. `unique` gives the file the first
     * free name of `name.gif`, `name-2.gif`, `name-3.gif` and so on.
     */
    onExists: Schema.optionalWith(OnExists, { exact: true, default: (): typeof OnExists.Type => defaults.onExists }),
    /** Sent to the URL's own origin only, also after redirects. Never printed and never written to a journal. */
    headers: fields.headers,
    /** `sha256:` (or `sha384:`, `sha512:`) with hexadecimal digits, or Subresource Integrity strings. The strongest one counts. */
    digest: fields.digest,
    /** The exact size of the content in bytes. */
    sizeBytes: fields.sizeBytes,
    /** Maximum size of the body in bytes. `Infinity` means no limit, whatever the downloader's default is. */
    limitBytes: fields.limitBytes,
    /** The required `Content-Type` without parameters: `image/gif`, or `image/*`. */
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
 * As a schema it decodes from JSON, in which only `url` and `destination` are required. A duration is a number of
 * milliseconds, or text such as `5 seconds`. Decoding refuses a request that cannot be carried out, and names the wrong
 * field. The encoded form has no secrets: no header values, no credentials, query values or fragments of URLs, and only the
 * last segment of the destination. If encoding has removed a secret, decoding refuses the result. To send a request to a
 * queue or another machine, use `DownloadRequestWithSecrets`. `toString` prints the encoded form with the whole destination.
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

/** Prints the whole destination, which is of use in this process. */
const printed = (value: DownloadRequest | Saved, encoded: object): string =>
  `${value instanceof DownloadRequest ? "DownloadRequest" : value._tag}(${JSON.stringify({ ...encoded, destination: displayPath(value.destination) })})`

const encodeShown = Schema.encodeSync(DownloadRequest)

const ofFields = (fields: typeof shownFields): Schema.Schema<DownloadRequest, typeof DownloadRequest.Encoded> =>
  Schema.transform(Schema.Struct(fields), Schema.typeSchema(DownloadRequest), {
    strict: true,
    decode: (decoded) => new DownloadRequest(decoded, unvalidated),
    encode: (request) => request
  })

/**
 * Encodes a request with everything that is needed to carry it out, in clear text: header values, credentials, query values
 * and the whole destination. Use it for a queue or another machine, and not for a response or a log. Decoding checks the
 * fields as `DownloadRequest` does.
 *
 * @category schemas
 * @since 0.2.0
 */
export const DownloadRequestWithSecrets: Schema.Schema<DownloadRequest, typeof DownloadRequest.Encoded> = ofFields(
  fieldsOf(RequestFields.withSecrets, true)
).annotations({ identifier: "halyard.DownloadRequestWithSecrets" })

/**
 * The form of a request in outcomes and events. It encodes as `DownloadRequest` does, without secrets. It also decodes a
 * request whose secrets were removed, or that cannot be carried out.
 *
 * @category schemas
 * @since 0.2.0
 */
export const DownloadRequestShown: Schema.Schema<DownloadRequest, typeof DownloadRequest.Encoded> = ofFields(
  fieldsOf(RequestFields.withoutSecrets, false)
).annotations({ identifier: "halyard.DownloadRequestShown" })

/**
 * The defaults of a request: one hour for an attempt, and `fail` if the destination exists. Headers and stalls have their own
 * limits (see `Downloader`).
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
    unvalidated
  )

/**
 * What the content was checked against. `digest`: the request's digest. `length`: a number of bytes that the request or the
 * server gave. `none`: there was neither, and the body ended with its connection or its last chunk.
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
 * The file is complete under its final name, and survives a power cut. With `durability: "rename"` it may not survive a power
 * cut in the next moments.
 *
 * @category models
 * @since 0.1.0
 */
export class Saved extends Schema.TaggedClass<Saved>("halyard.DownloadOutcome.Saved")("Saved", {
  request: DownloadRequestShown,
  /** The path of the file: the request's destination, or a numbered name with `unique`. The encoded form has its last segment. */
  destination: DisplayedName,
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
 * The file was not saved, because of `error`. A file that existed at the destination is unchanged. Exception: after `Disk` with
 * reason `not-durable`, the new file is at the destination.
 *
 * @category models
 * @since 0.1.0
 */
export class Failed extends Schema.TaggedClass<Failed>("halyard.DownloadOutcome.Failed")("Failed", {
  request: DownloadRequestShown,
  error: DownloadError
}) {}

/**
 * The request was interrupted before its file was published. If other callers wait for the same file, the transfer continues
 * for them.
 *
 * @category models
 * @since 0.1.0
 */
export class Cancelled extends Schema.TaggedClass<Cancelled>("halyard.DownloadOutcome.Cancelled")("Cancelled", {
  request: DownloadRequestShown
}) {}

/**
 * The outcome of one request. Every request that a run takes has exactly one outcome.
 *
 * @category schemas
 * @since 0.1.0
 */
export const DownloadOutcome = Schema.Union(Saved, Skipped, Failed, Cancelled)

/**
 * The outcome of one request.
 *
 * @category models
 * @since 0.1.0
 */
export type DownloadOutcome = typeof DownloadOutcome.Type

/**
 * Counts of outcomes. `saved + skipped + failed + cancelled` is the number of requests that the run took.
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
  /** The number of failed requests by the tag of the error. */
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
 * The exit code for a report: 0 if all files were saved or skipped, else 1.
 *
 * @category reports
 * @since 0.1.0
 */
export const exitCode = (report: RunReport): 0 | 1 => (report.failed + report.cancelled > 0 ? 1 : 0)
