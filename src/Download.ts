/**
 * Requests, their outcomes, and the report of a run. `Downloader` carries the requests out.
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
import { DisplayedName, DisplayedUrl } from "./internal/text/displaySchemas.js"
import { displayPath, displayUrl } from "./internal/text/displayUrl.js"
import { unvalidated } from "./internal/unvalidated.js"

const OnExists = Schema.Literal("update", "sync", "overwrite", "skip", "fail", "unique")

const NameFrom = Schema.Literal("url", "server")

const fieldsOf = (form: RequestFields.Form, isChecked: boolean) => {
  const fields = RequestFields.make(form, isChecked)
  return {
    /** The caller's name for the request: a country code, a line number. Default: the URL, without secrets. */
    id: Schema.optionalWith(fields.id, { exact: true, default: () => "" }),
    /** Absolute, `http:` or `https:`. */
    url: fields.url,
    /** The path of the finished file. Its directory must exist. */
    destination: fields.destination,
    /** Maximum time for one attempt, from its first request to the last byte of the body. Default: 1 hour. */
    timeout: Schema.optionalWith(fields.timeout, {
      exact: true,
      default: (): Duration.Duration => defaults.timeout
    }),
    /** Maximum time for the whole request: all attempts, and all waits for permits and retries. Default: no limit. */
    deadline: fields.deadline,
    /** Maximum time to open a connection. Default: the downloader's. */
    connectTimeout: fields.connectTimeout,
    /** Maximum time to connect, send a request and receive the headers of the response. Default: the downloader's. */
    headersTimeout: fields.headersTimeout,
    /** Ends an attempt that receives fewer than `bytes` bytes of the body in the time `within`. Default: the downloader's. */
    stall: fields.stall,
    /**
     * What to do if the destination exists.
     *
     * - `update`: keep the file if the journal says that it came from this URL and it has not changed since. Otherwise the server
     *   is asked: a file of the same size that is not newer is kept, if the journal knows nothing about the file at the
     *   destination. Every other file replaces it.
     * - `sync`: the same, but the server is always asked, by a conditional request if the journal has a validator.
     * - `overwrite` replaces the file, `skip` keeps it, and `fail` fails with `Disk`.
     * - `unique` gives the file the first free name of `name.gif`, `name-2.gif`, `name-3.gif` and so on.
     *
     * With `update` and `sync`, a file with the digest of the request is kept, and no request is sent. A file that another program
     * creates during the transfer is not replaced: the request fails with `Disk`, unless that file has the same size. Default:
     * `fail`.
     */
    onExists: Schema.optionalWith(OnExists, { exact: true, default: (): typeof OnExists.Type => defaults.onExists }),
    /**
     * `server`: the file gets the name in the response's `Content-Disposition` (RFC 6266), made safe, in the directory of
     * `destination`. If the response has none, it gets the name of `destination`. `onExists` applies to that name, after the head of
     * the response has arrived. If another transfer of the same run has the name, or one in flight, the file gets a number. The URL
     * of a redirect never names the file. Default: `url`, the file is `destination`.
     */
    nameFrom: Schema.optionalWith(NameFrom, { exact: true }),
    /** Sent to the URL's own origin only, also after redirects. They are never printed and never written to a journal. */
    headers: fields.headers,
    /**
     * The method, in capital letters. Default: `GET`, or `POST` if there is a `body`. A request with another method than `GET` or with
     * a body is never resumed, never divided into segments, and shares its transfer with no other request. A request whose method is
     * not idempotent (`POST`, `PATCH`) is repeated only if the server cannot have received it, unless the policy has `anyMethod`.
     */
    method: fields.method,
    /**
     * The content of the request, sent to the URL's own origin only: a redirect that would send it to another origin is refused.
     * After 303, and after 301 or 302 in answer to a `POST`, the next request is a `GET` without content (RFC 9110 §15.4).
     */
    body: fields.body,
    /**
     * The digest of the content: `sha256:`, `sha384:`, `sha512:`, `sha1:` or `md5:` with hexadecimal digits, `sha-256=` with
     * hexadecimal digits, hexadecimal digits alone, or Subresource Integrity strings. Of several, separated by white space, only
     * those with the strongest algorithm are checked. `md5` and `sha1` detect errors, and not an attacker.
     */
    digest: fields.digest,
    /**
     * Computes the digest of the content by this algorithm, for `Saved.digest`. If the request or the response has a digest, its
     * algorithm is used. Default: no digest is computed if there is none to compare with.
     */
    digestAlgorithm: fields.digestAlgorithm,
    /**
     * More URLs of the same content. If one fails for good, or has no retries left, the transfer continues with the next. Received
     * bytes are kept only if a digest of the content, or an equal strong entity tag and length, proves that they are the same. The
     * headers and the method of the request are for its own origin: only a `GET` has mirrors. Default: none.
     */
    mirrors: fields.mirrors,
    /** The exact size of the content in bytes. */
    sizeBytes: fields.sizeBytes,
    /** Maximum size of the body in bytes. `Infinity`: no limit. Default: the downloader's. */
    limitBytes: fields.limitBytes,
    /** The required `Content-Type` without parameters: `image/gif`, or `image/*`. */
    mediaType: fields.mediaType,
    /**
     * If true, an interrupted transfer keeps its part, and a later request with the same URL or digest continues it. A strong
     * validator or the digest proves that the rest is of the same version; otherwise the transfer starts over. Default: false.
     */
    resume: fields.resume,
    /**
     * If true, and if the request has `resume` and `digest`: what aria2, curl, wget or a browser has left of the file, at the
     * destination or beside it, is copied into the part and continued. The digest proves the whole content. Default: false.
     */
    continue: fields.continue
  }
}

const fields = fieldsOf(RequestFields.withoutSecrets, true)

/**
 * One file to download. Every event and every outcome has its request.
 *
 * The JSON form requires only `url` and `destination`. A duration is a number of milliseconds, or text such as `5 seconds`.
 * Decoding refuses a request that cannot be carried out, and names the invalid field.
 *
 * The encoded form has no secrets: no header values, no body, no credentials, query values or fragments of URLs, and only the last segment
 * of the destination. If encoding has removed a secret, decoding refuses the result. To send a request to a queue or another
 * machine, use `DownloadRequestWithSecrets`. `toString` prints the encoded form with the whole destination.
 *
 * @category models
 * @since 0.1.0
 */
export class DownloadRequest extends Schema.Class<DownloadRequest>("halyard.DownloadRequest")(fields) {
  // The default of `id` needs `url`. The parameters are those of the class.
  // @effect-diagnostics-next-line overriddenSchemaConstructor:off
  constructor(values: Schema.Struct.Constructor<typeof fields>, options?: Schema.MakeOptions) {
    super(values.id === undefined || values.id === "" ? { ...values, id: displayUrl(values.url) } : values, options)
  }

  toJSON(): unknown {
    return encodeRequest(this)
  }

  override toString(): string {
    return print(this, encodeRequest(this))
  }

  [NodeInspectSymbol](): string {
    return this.toString()
  }
}

/** Prints the encoded form with the whole destination. */
const print = (value: DownloadRequest | Saved, encoded: object): string =>
  `${value instanceof DownloadRequest ? "DownloadRequest" : value._tag}(${JSON.stringify({ ...encoded, destination: displayPath(value.destination) })})`

const encodeRequest = Schema.encodeSync(DownloadRequest)

const schemaOf = (requestFields: typeof fields): Schema.Schema<DownloadRequest, typeof DownloadRequest.Encoded> =>
  Schema.transform(Schema.Struct(requestFields), Schema.typeSchema(DownloadRequest), {
    strict: true,
    decode: (decoded) => new DownloadRequest(decoded, unvalidated),
    encode: (request) => request
  })

/**
 * Encodes a request with its secrets in clear text: header values, credentials, query values and the whole destination. Use it
 * for a queue or another machine, and not for a response or a log. Decoding checks the fields as `DownloadRequest` does.
 *
 * @category schemas
 * @since 0.2.0
 */
export const DownloadRequestWithSecrets: Schema.Schema<DownloadRequest, typeof DownloadRequest.Encoded> = schemaOf(
  fieldsOf(RequestFields.withSecrets, true)
).annotations({ identifier: "halyard.DownloadRequestWithSecrets" })

/**
 * The form of a request in outcomes and events. It encodes without secrets, as `DownloadRequest` does. It also decodes a request
 * whose secrets were removed, and a request that cannot be carried out.
 *
 * @category schemas
 * @since 0.2.0
 */
export const DownloadRequestShown: Schema.Schema<DownloadRequest, typeof DownloadRequest.Encoded> = schemaOf(
  fieldsOf(RequestFields.withoutSecrets, false)
).annotations({ identifier: "halyard.DownloadRequestShown" })

/**
 * The defaults of a request. `Downloader` has the defaults of the other time limits.
 *
 * @category constructors
 * @since 0.1.0
 */
export const defaults: {
  readonly timeout: Duration.Duration
  readonly onExists: DownloadRequest["onExists"]
} = { timeout: Duration.hours(1), onExists: "fail" }

/**
 * The fields of a request, for `request`. `DownloadRequest` says what they mean.
 *
 * @category models
 * @since 0.2.0
 */
export interface RequestOptions {
  readonly url: string | URL
  readonly destination: string
  readonly id?: string | undefined
  readonly timeout?: Duration.DurationInput | undefined
  readonly deadline?: Duration.DurationInput | undefined
  readonly connectTimeout?: Duration.DurationInput | undefined
  readonly headersTimeout?: Duration.DurationInput | undefined
  readonly stall?: { readonly bytes: number; readonly within: Duration.DurationInput } | undefined
  readonly onExists?: DownloadRequest["onExists"] | undefined
  readonly nameFrom?: DownloadRequest["nameFrom"] | undefined
  readonly headers?: Readonly<Record<string, string | Redacted.Redacted>> | undefined
  readonly method?: string | undefined
  /** Text is sent as UTF-8. The caller sets the header `content-type`. */
  readonly body?: string | Uint8Array | undefined
  readonly digest?: string | undefined
  readonly digestAlgorithm?: DownloadRequest["digestAlgorithm"]
  readonly mirrors?: ReadonlyArray<string | URL> | undefined
  readonly sizeBytes?: number | undefined
  readonly limitBytes?: number | undefined
  readonly mediaType?: string | undefined
  readonly resume?: boolean | undefined
  readonly continue?: boolean | undefined
}

/**
 * Makes a request.
 *
 * @category constructors
 * @since 0.1.0
 */
export const request = (options: RequestOptions): DownloadRequest => {
  const url = `${options.url}`
  return new DownloadRequest(
    {
      id: options.id ?? displayUrl(url),
      url,
      destination: options.destination,
      timeout: Duration.decode(options.timeout ?? defaults.timeout),
      onExists: options.onExists ?? defaults.onExists,
      ...(options.deadline === undefined ? {} : { deadline: Duration.decode(options.deadline) }),
      ...(options.connectTimeout === undefined ? {} : { connectTimeout: Duration.decode(options.connectTimeout) }),
      ...(options.headersTimeout === undefined ? {} : { headersTimeout: Duration.decode(options.headersTimeout) }),
      ...(options.stall === undefined
        ? {}
        : { stall: { bytes: options.stall.bytes, within: Duration.decode(options.stall.within) } }),
      ...(options.nameFrom === undefined ? {} : { nameFrom: options.nameFrom }),
      ...(options.headers === undefined
        ? {}
        : {
            headers: Record.map(options.headers, (value) => (Redacted.isRedacted(value) ? value : Redacted.make(value)))
          }),
      ...(options.method === undefined ? {} : { method: options.method }),
      ...(options.body === undefined
        ? {}
        : {
            body: Redacted.make(
              typeof options.body === "string" ? new TextEncoder().encode(options.body) : options.body
            )
          }),
      ...(options.mirrors === undefined ? {} : { mirrors: options.mirrors.map((mirror) => `${mirror}`) }),
      ...(options.digest === undefined ? {} : { digest: options.digest }),
      ...(options.digestAlgorithm === undefined ? {} : { digestAlgorithm: options.digestAlgorithm }),
      ...(options.sizeBytes === undefined ? {} : { sizeBytes: options.sizeBytes }),
      ...(options.limitBytes === undefined ? {} : { limitBytes: options.limitBytes }),
      ...(options.mediaType === undefined ? {} : { mediaType: options.mediaType }),
      ...(options.resume === undefined ? {} : { resume: options.resume }),
      ...(options.continue === undefined ? {} : { continue: options.continue })
    },
    unvalidated
  )
}

/**
 * What the content was checked against. `digest`: the digest of the request or of the response. `length`: a number of bytes from the request or the
 * server. `none`: neither was known, and the body ended with its connection or its last chunk.
 *
 * @category schemas
 * @since 0.2.0
 */
export const Verification: Schema.Literal<["digest", "length", "none"]> = Schema.Literal("digest", "length", "none")

export type Verification = typeof Verification.Type

/**
 * The file is complete under its final name, and survives a power cut. With `durability: "rename"` it survives a power cut only
 * after the operating system has written it to the disk.
 *
 * @category models
 * @since 0.1.0
 */
export class Saved extends Schema.TaggedClass<Saved>("halyard.DownloadOutcome.Saved")("Saved", {
  request: DownloadRequestShown,
  /**
   * The path of the file: the request's destination, a numbered name with `unique`, or the server's name with `nameFrom: "server"`.
   * The encoded form has its last segment.
   */
  destination: DisplayedName,
  /** The name that the server gave, before it was made safe. Only with `nameFrom: "server"`. */
  serverName: Schema.optionalWith(Schema.String, { exact: true }),
  bytes: Schema.Number,
  verified: Verification,
  /** The number of attempts, from 1. */
  attempts: Schema.Number,
  /** The modification time of the file, in milliseconds since 1970: the response's `Last-Modified`, or else the time of its last write. */
  modifiedMillis: Schema.optionalWith(Schema.Number, { exact: true }),
  /** The URL of the response, after all redirects. The encoded form has no secrets. */
  url: DisplayedUrl,
  /** The status of the first response whose content was kept: 200, 203, or 206 if an earlier process had received a part. */
  status: Schema.Number,
  /** The `Content-Type` of that response without parameters, in lower case. */
  mediaType: Schema.optionalWith(Schema.String, { exact: true }),
  /** The `ETag` of that response as it was sent, with its quotation marks (RFC 9110 §8.8.3). */
  etag: Schema.optionalWith(Schema.String, { exact: true }),
  /** The `Last-Modified` of that response as it was sent (RFC 9110 §8.8.2). */
  lastModified: Schema.optionalWith(Schema.String, { exact: true }),
  /** The digest of the content, such as `sha256:` and hexadecimal digits, if one was computed. */
  digest: Schema.optionalWith(Schema.String, { exact: true })
}) {
  toJSON(): unknown {
    return encodeSaved(this)
  }

  override toString(): string {
    return print(this, encodeSaved(this))
  }

  [NodeInspectSymbol](): string {
    return this.toString()
  }
}

const encodeSaved = Schema.encodeSync(Saved)

/**
 * What is known about a file at its destination that a transfer has left there.
 *
 * @category schemas
 * @since 0.2.0
 */
export const ExistingFile = Schema.Struct({
  bytes: Schema.Number,
  /** The modification time of the file, in milliseconds since 1970. Undefined if the store keeps none. */
  modifiedMillis: Schema.optionalWith(Schema.Number, { exact: true }),
  /** The URL of the response that described the file, after all redirects, without secrets. */
  url: Schema.optionalWith(DisplayedUrl, { exact: true }),
  /** The `ETag` of that response as it was sent (RFC 9110 §8.8.3). */
  etag: Schema.optionalWith(Schema.String, { exact: true }),
  /** The `Last-Modified` of that response as it was sent (RFC 9110 §8.8.2). */
  lastModified: Schema.optionalWith(Schema.String, { exact: true }),
  /** The digest of the content, such as `sha256:` and hexadecimal digits, if it was computed. */
  digest: Schema.optionalWith(Schema.String, { exact: true })
})

export type ExistingFile = typeof ExistingFile.Type

/**
 * The destination existed, and its file was left as it is. `reason`:
 *
 * - `exists`: `onExists` was `skip`. The content of the file was not looked at.
 * - `recorded`: the journal says that the file came from this URL, and the file has not changed since. No request was sent.
 * - `same-size`: the journal knows nothing about the file. The server's file has the same size and is not newer.
 * - `verified`: the content of the file has the digest of the request. No request was sent.
 *
 * @category models
 * @since 0.1.0
 */
export class Skipped extends Schema.TaggedClass<Skipped>("halyard.DownloadOutcome.Skipped")("Skipped", {
  request: DownloadRequestShown,
  reason: Schema.Literal("exists", "recorded", "same-size", "verified"),
  /** Undefined if the reason is `exists`. */
  file: Schema.optionalWith(ExistingFile, { exact: true }),
  /** The path of the file that exists, if it is not the request's destination. Only with `nameFrom: "server"`. */
  destination: Schema.optionalWith(DisplayedName, { exact: true })
}) {}

/**
 * The server has answered a conditional request (RFC 9110 §13.1): the file at the destination is the file that the server has.
 *
 * @category models
 * @since 0.2.0
 */
export class NotModified extends Schema.TaggedClass<NotModified>("halyard.DownloadOutcome.NotModified")("NotModified", {
  request: DownloadRequestShown,
  file: ExistingFile
}) {}

const kept = {
  /** How many bytes a part has that was kept. A later request with `resume` continues it. Left out if no part was kept. */
  keptBytes: Schema.optionalWith(Schema.Number, { exact: true })
}

/**
 * The file was not saved, because of `error`. An existing file at the destination is unchanged. Exception: after `Disk` with
 * reason `not-durable`, the new file is at the destination.
 *
 * @category models
 * @since 0.1.0
 */
export class Failed extends Schema.TaggedClass<Failed>("halyard.DownloadOutcome.Failed")("Failed", {
  request: DownloadRequestShown,
  error: DownloadError,
  ...kept
}) {}

/**
 * The request was interrupted before its file was published. If other callers wait for the same file, the transfer continues
 * for them.
 *
 * @category models
 * @since 0.1.0
 */
export class Cancelled extends Schema.TaggedClass<Cancelled>("halyard.DownloadOutcome.Cancelled")("Cancelled", {
  request: DownloadRequestShown,
  ...kept
}) {}

/**
 * The outcome of one request. Every request that a run receives has exactly one outcome.
 *
 * @category schemas
 * @since 0.1.0
 */
export const DownloadOutcome = Schema.Union(Saved, Skipped, NotModified, Failed, Cancelled)

export type DownloadOutcome = typeof DownloadOutcome.Type

/**
 * The number of outcomes of each kind. The number of requests that the run received is
 * `saved + skipped + notModified + failed + cancelled`.
 *
 * @category models
 * @since 0.1.0
 */
export interface RunReport {
  readonly saved: number
  readonly skipped: number
  readonly notModified: number
  readonly failed: number
  readonly cancelled: number
  /** The number of failed requests with the status `404 Not Found`. */
  readonly notFound: number
  /** The number of failed requests by the tag of the error. */
  readonly failures: { readonly [tag in DownloadError["_tag"]]?: number }
  /** The size of all saved files. */
  readonly bytes: number
}

/**
 * A report without outcomes.
 *
 * @category reports
 * @since 0.1.0
 */
export const emptyReport: RunReport = {
  saved: 0,
  skipped: 0,
  notModified: 0,
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
    case "NotModified":
      return { ...report, notModified: report.notModified + 1 }
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
 * Returns true if the server answered `404 Not Found` (RFC 9110 §15.5.5).
 *
 * @category predicates
 * @since 0.1.0
 */
export const isNotFound = (error: DownloadError): boolean => error._tag === "HttpStatus" && error.status === 404

/**
 * Returns the exit code for a report: 0 if all files were saved, skipped or not modified, else 1.
 *
 * @category reports
 * @since 0.1.0
 */
export const exitCode = (report: RunReport): 0 | 1 => (report.failed + report.cancelled > 0 ? 1 : 0)
