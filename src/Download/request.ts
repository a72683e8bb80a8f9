/**
 * The request: its fields, its encodings, and `request`, which makes one.
 */

import * as Duration from "effect/Duration"
import { NodeInspectSymbol } from "effect/Inspectable"
import * as Record from "effect/Record"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { late } from "../internal/late.js"
import { displayPath, displayUrl } from "../internal/text/displayUrl.js"
import * as Unvalidated from "../internal/unvalidated.js"
import * as RequestFields from "./requestFields.js"

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
     * creates during the transfer is not replaced: the request fails with `Disk`, unless that file has the same content. Default:
     * `fail`.
     */
    onExists: Schema.optionalWith(OnExists, { exact: true, default: (): typeof OnExists.Type => defaults.onExists }),
    /**
     * `server`: the file gets the name in the response's `Content-Disposition` (RFC 6266), made safe, in the directory of
     * `destination`. If the response has none, it gets the name of `destination`. `onExists` applies to that name, after the head of
     * the response has arrived. If another transfer of the same run has the name, or one in flight, the file gets a number. The URL
     * of a redirect never names the file. With `update` and `sync`, a file that the journal knows to be of another URL keeps its name,
     * and `destination` is not named again if an earlier transfer of the URL has saved it under its server's name. Default: `url`, the
     * file is `destination`.
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
     * headers and the method of the request are for its own origin: only a `GET` has mirrors. With the option `segments`, mirrors with
     * such a proof bring parts of a large file at the same time. Default: none.
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
    return print("DownloadRequest", this, encodeRequest(this))
  }

  [NodeInspectSymbol](): string {
    return this.toString()
  }
}

/** Prints the encoded form of a request or an outcome with the whole destination. */
export const print = (tag: string, value: { readonly destination: string }, encoded: object): string =>
  `${tag}(${JSON.stringify({ ...encoded, destination: displayPath(value.destination) })})`

const encodeRequest = late(() => Schema.encodeSync(DownloadRequest))

const schemaOf = (requestFields: typeof fields): Schema.Schema<DownloadRequest, typeof DownloadRequest.Encoded> =>
  Schema.transform(Schema.Struct(requestFields), Schema.typeSchema(DownloadRequest), {
    strict: true,
    decode: (decoded) => new DownloadRequest(decoded, Unvalidated.unvalidated),
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
 * The form in which a program submits requests to a batch: with their secrets, and also those that cannot be carried out, because each
 * of them has an outcome.
 *
 * @internal
 */
export const SubmittedRequest: Schema.Schema<DownloadRequest, typeof DownloadRequest.Encoded> = schemaOf(
  fieldsOf(RequestFields.withSecrets, false)
)

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
  const { body, headers, mirrors, stall } = options
  const url = `${options.url}`
  return Unvalidated.makeUntagged(
    DownloadRequest,
    Unvalidated.defined({
      id: options.id || displayUrl(url),
      url,
      destination: options.destination,
      timeout: Duration.decode(options.timeout ?? defaults.timeout),
      onExists: options.onExists ?? defaults.onExists,
      deadline: optionalDuration(options.deadline),
      connectTimeout: optionalDuration(options.connectTimeout),
      headersTimeout: optionalDuration(options.headersTimeout),
      stall: stall && { bytes: stall.bytes, within: Duration.decode(stall.within) },
      nameFrom: options.nameFrom,
      headers: headers && Record.map(headers, (value) => (Redacted.isRedacted(value) ? value : Redacted.make(value))),
      method: options.method,
      body:
        body === undefined
          ? undefined
          : Redacted.make(typeof body === "string" ? new TextEncoder().encode(body) : body),
      mirrors: mirrors?.map((mirror) => `${mirror}`),
      digest: options.digest,
      digestAlgorithm: options.digestAlgorithm,
      sizeBytes: options.sizeBytes,
      limitBytes: options.limitBytes,
      mediaType: options.mediaType,
      resume: options.resume,
      continue: options.continue
    })
  )
}

const optionalDuration = (input: Duration.DurationInput | undefined): Duration.Duration | undefined =>
  input === undefined ? undefined : Duration.decode(input)
