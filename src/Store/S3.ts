/**
 * A store in a bucket of an S3-compatible object storage.
 *
 * A destination is a key below the prefix of the store, or the URL of such a key, `s3://BUCKET/PREFIX/KEY`. A file of up to
 * `blockBytes` is one object that one request makes, and the memory holds it until then. A larger file is collected in blocks of this
 * size, in any order. A complete block goes to an object of its own below `.halyard/`, because an object storage cannot read the parts
 * of an unfinished multipart upload, and a transfer reads what an earlier run has received. To publish the file, a multipart upload
 * copies the blocks inside the storage, and then the blocks are removed.
 *
 * A checkpoint uploads the blocks in memory and one small object that names all blocks. A later run, also on another machine, finds
 * that object and continues the part. The parts of a killed process are free 20 seconds after its last sign of life. A run that needs one
 * of them waits until then.
 *
 * The signature of every request covers the SHA-256 of its body, so a storage that verifies it refuses wrong bytes. A failure is `Disk`.
 * If it may pass, such as `503 SlowDown`, the store repeats the request twice. Then the failure has the reason `unavailable`, and the
 * downloader retries the call.
 *
 * `skip`, `fail` and `unique` of `onExists` use conditional writes (`If-None-Match: *`). If the storage has none, the store asks whether
 * there is an object, and two processes that publish the same key at the same moment may both succeed. A storage that ignores the
 * condition, instead of refusing it, behaves the same way.
 *
 * @since 0.2.0
 */
import * as HttpClient from "@effect/platform/HttpClient"
import * as Clock from "effect/Clock"
import * as Config from "effect/Config"
import type * as ConfigError from "effect/ConfigError"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { Disk } from "../DownloadError.js"
import * as Printable from "../internal/text/printable.js"
import { Store } from "../Store.js"
import { modified } from "./s3/assembly.js"
import * as Bucket from "./s3/bucket.js"
import { type S3Failure, toDisk } from "./s3/failure.js"
import { KeptParts } from "./s3/keptParts.js"
import { KeyQueue } from "./s3/keyQueue.js"
import * as Keys from "./s3/keys.js"
import * as Lease from "./s3/lease.js"
import * as Leftovers from "./s3/leftovers.js"
import { type PartOptions, S3Part } from "./s3/part.js"
import * as Requests from "./s3/requests.js"

/**
 * The keys of an account. They never occur in an error, a span or a log.
 *
 * @category models
 * @since 0.2.0
 */
export interface Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: Redacted.Redacted
  /** The token of temporary credentials. */
  readonly sessionToken?: Redacted.Redacted | undefined
}

/**
 * Where files are stored, and how.
 *
 * @category models
 * @since 0.2.0
 */
export interface Options {
  readonly bucket: string
  readonly credentials: Credentials
  /** The text before all keys, such as `photos/2026`. A slash is added at its end. Default: none. */
  readonly prefix?: string | undefined
  /** The region in signatures. Default: `us-east-1`. */
  readonly region?: string | undefined
  /** The URL of the storage, such as `https://storage.example:9000`. Default: that of Amazon S3 in the region. */
  readonly endpoint?: string | undefined
  /**
   * If true, the bucket is in the path of URLs, and otherwise in their host name. Default: true if `endpoint` is given, or if the name of
   * the bucket has a dot.
   */
  readonly pathStyle?: boolean | undefined
  /**
   * The size of the blocks of a large file. Default: 8 MiB. Amazon S3 accepts no less than 5 MiB. A file can have 10,000 blocks. If its
   * length is known before its first byte, the blocks of a very large file are larger.
   */
  readonly blockBytes?: number | undefined
  /** The memory for blocks of all files, in addition to one block of each unfinished file. Default: 128 MiB. */
  readonly memoryBytes?: number | undefined
  /** Maximum number of requests of one file at a time. Default: 4. */
  readonly concurrency?: number | undefined
  /** Maximum time for one request, which transfers up to one block. Default: 2 minutes. */
  readonly timeout?: Duration.DurationInput | undefined
}

/**
 * An option that cannot be used.
 *
 * @category errors
 * @since 0.2.0
 */
export class InvalidS3Options extends Schema.TaggedError<InvalidS3Options>("halyard/S3Store/InvalidS3Options")(
  "InvalidS3Options",
  {
    option: Schema.Literal(
      "bucket",
      "credentials",
      "region",
      "endpoint",
      "prefix",
      "blockBytes",
      "memoryBytes",
      "concurrency",
      "timeout"
    ),
    problem: Schema.String
  }
) {
  override get message(): string {
    return `${this.option}: ${this.problem}`
  }
}

interface Opened extends Keys.Place {
  readonly bucket: Bucket.Bucket
}

/**
 * Makes a store. It sends its requests with the `HttpClient` in the context, whose spans it turns off, because they would have the
 * session token. When the scope closes, the uploads end.
 *
 * @category constructors
 * @since 0.2.0
 */
export const make = (
  options: Options
): Effect.Effect<typeof Store.Service, InvalidS3Options, HttpClient.HttpClient | Scope.Scope> =>
  Effect.gen(function* () {
    const place = yield* opened(options)
    const { bucket, prefix } = place
    const scope = yield* Effect.scope
    const lease = yield* Lease.make(bucket, prefix)
    const keptParts = new KeptParts(bucket, prefix, lease)
    const part: PartOptions = {
      ...place,
      lease,
      keptParts,
      scope,
      keyQueue: new KeyQueue(),
      memory: { usedBytes: 0 },
      memoryBytes: yield* positive("memoryBytes", options.memoryBytes ?? 128 * mebibyte),
      blockBytes: yield* positive("blockBytes", options.blockBytes ?? 8 * mebibyte),
      concurrency: yield* positive("concurrency", options.concurrency ?? 4)
    }

    /** Runs an operation on the object of a destination. */
    const at = <A>(destination: string, use: (key: string) => Effect.Effect<A, S3Failure>): Effect.Effect<A, Disk> => {
      const found = Keys.keyOf(place, destination)
      return "problem" in found
        ? Exit.fail(refused(destination, found.problem))
        : Effect.mapError(use(found.key), (failure) => toDisk(destination, failure))
    }

    return Store.of({
      prepare: (directory) => Effect.mapError(keptParts.refreshed, (failure) => toDisk(directory, failure)),
      stat: (destination) =>
        at(destination, (key) =>
          Effect.map(bucket.head(key), (headers) => {
            const seconds = Number(headers?.[`x-amz-meta-${modified}`] ?? "NaN")
            const millis = Number.isFinite(seconds)
              ? Math.round(seconds * 1000)
              : Date.parse(headers?.["last-modified"] ?? "")
            const sizeBytes = Number(headers?.["content-length"] ?? "NaN")
            return headers === undefined
              ? undefined
              : {
                  sizeBytes: Number.isSafeInteger(sizeBytes) ? sizeBytes : undefined,
                  modifiedMillis: Number.isNaN(millis) ? undefined : millis
                }
          })
        ),
      read: (destination) => {
        const found = Keys.keyOf(place, destination)
        return "problem" in found
          ? Stream.fail(refused(destination, found.problem))
          : Stream.mapError(bucket.read(found.key), (failure) =>
              failure.isMissing
                ? new Disk({ path: Printable.line(destination), reason: "missing", detail: "there is no such object" })
                : toDisk(destination, failure)
            )
      },
      open: (destination, { resume }) => {
        const found = Keys.keyOf(place, destination)
        if ("problem" in found) {
          return Exit.fail(refused(destination, found.problem))
        }
        const { key } = found
        return resume === undefined
          ? Exit.succeed({ part: new S3Part(part, destination, key, undefined, undefined), record: undefined })
          : keptParts.take(key, resume).pipe(
              Effect.map((taken) => ({
                part: new S3Part(part, destination, key, resume, taken),
                record: taken?.kept.record
              })),
              Effect.mapError((failure) => toDisk(destination, failure))
            )
      }
    })
  })

/**
 * A store in a bucket.
 *
 * @category layers
 * @since 0.2.0
 */
export const layer = (options: Options): Layer.Layer<Store, InvalidS3Options, HttpClient.HttpClient> =>
  Layer.scoped(Store, make(options))

/**
 * Like `layer`, with options from a `Config`.
 *
 * @category layers
 * @since 0.2.0
 */
export const layerConfig = (
  options: Config.Config.Wrap<Options>
): Layer.Layer<Store, InvalidS3Options | ConfigError.ConfigError, HttpClient.HttpClient> =>
  Layer.scoped(Store, Effect.flatMap(Config.unwrap(options), make))

/**
 * The options that the standard environment variables give: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`,
 * `AWS_REGION` or `AWS_DEFAULT_REGION`, and `AWS_ENDPOINT_URL_S3` or `AWS_ENDPOINT_URL`.
 *
 * @category constructors
 * @since 0.2.0
 */
export const environment: Config.Config<Pick<Options, "credentials" | "region" | "endpoint">> = Config.all({
  credentials: Config.all({
    accessKeyId: Config.nonEmptyString("AWS_ACCESS_KEY_ID"),
    secretAccessKey: Config.redacted(Config.nonEmptyString("AWS_SECRET_ACCESS_KEY")),
    sessionToken: Config.withDefault(Config.redacted(Config.nonEmptyString("AWS_SESSION_TOKEN")), undefined)
  }),
  region: Config.nonEmptyString("AWS_REGION").pipe(
    Config.orElse(() => Config.nonEmptyString("AWS_DEFAULT_REGION")),
    Config.withDefault(undefined)
  ),
  endpoint: Config.nonEmptyString("AWS_ENDPOINT_URL_S3").pipe(
    Config.orElse(() => Config.nonEmptyString("AWS_ENDPOINT_URL")),
    Config.withDefault(undefined)
  )
})

/**
 * What an unfinished transfer has left: a part that is kept for a later run, or one whose process was killed. A part in use is
 * listed as well.
 *
 * @category models
 * @since 0.2.0
 */
export interface Leftover {
  readonly id: string
  /** Undefined if the part has no checkpoint, so that no run can continue it. */
  readonly destination: string | undefined
  readonly sizeBytes: number
  /** The time at which the storage has received its last byte, in milliseconds since 1970. */
  readonly modifiedMillis: number
}

/**
 * Lists what unfinished transfers have left below the prefix.
 *
 * @category combinators
 * @since 0.2.0
 */
export const leftovers = (
  options: Options
): Effect.Effect<ReadonlyArray<Leftover>, InvalidS3Options | Disk, HttpClient.HttpClient> =>
  Effect.flatMap(opened(options), ({ bucket, prefix, url }) =>
    Effect.mapError(Leftovers.find(bucket, prefix), (failure) => toDisk(url, failure))
  )

/**
 * Removes what unfinished transfers have left, and aborts their multipart uploads. Returns the ids. A transfer that waits for longer
 * than `olderThan` and is still in progress fails if its part is removed. Default: 1 day.
 *
 * @category combinators
 * @since 0.2.0
 */
export const removeLeftovers = (
  options: Options,
  { olderThan = "1 day" }: { readonly olderThan?: Duration.DurationInput | undefined } = {}
): Effect.Effect<ReadonlyArray<string>, InvalidS3Options | Disk, HttpClient.HttpClient> =>
  Effect.gen(function* () {
    const { bucket, prefix, url } = yield* opened(options)
    const now = yield* Clock.currentTimeMillis
    return yield* Effect.mapError(Leftovers.remove(bucket, prefix, now - Duration.toMillis(olderThan)), (failure) =>
      toDisk(url, failure)
    )
  })

const mebibyte = 1024 * 1024

const invalid = (option: InvalidS3Options["option"], problem: string) => new InvalidS3Options({ option, problem })

const refused = (destination: string, problem: string): Disk =>
  new Disk({ path: Printable.line(destination), reason: "other", detail: problem })

const isVisible = (text: string): boolean => /^[\u0021-\u007e]+$/.test(text)

const positive = (option: "memoryBytes" | "blockBytes" | "concurrency", value: number) =>
  Number.isSafeInteger(value) && value > 0
    ? Effect.succeed(value)
    : Effect.fail(invalid(option, "it must be a whole number above 0"))

/** The bucket of the options. */
const opened = (options: Options): Effect.Effect<Opened, InvalidS3Options, HttpClient.HttpClient> =>
  Effect.gen(function* () {
    const http = yield* HttpClient.HttpClient
    const { bucket, credentials, region = "us-east-1" } = options
    if (!/^[a-zA-Z0-9][a-zA-Z0-9._-]{1,254}$/.test(bucket)) {
      return yield* invalid("bucket", "it is not the name of a bucket")
    }
    // Each is a part of a header. The error of a header that cannot be sent would have its value.
    const { accessKeyId, sessionToken } = credentials
    if (![accessKeyId, ...(sessionToken === undefined ? [] : [Redacted.value(sessionToken)])].every(isVisible)) {
      return yield* invalid("credentials", "the key id and the token must have visible ASCII characters only")
    }
    if (!/^[a-zA-Z0-9-]+$/.test(region)) {
      return yield* invalid("region", "it is not the name of a region")
    }
    const endpoint = options.endpoint ?? `https://s3.${region}.amazonaws.com`
    if (!URL.canParse(endpoint)) {
      return yield* invalid("endpoint", "it is not a URL")
    }
    const url = new URL(endpoint)
    if (!/^https?:$/.test(url.protocol) || url.username !== "" || url.password !== "" || url.search !== "") {
      return yield* invalid("endpoint", "it must be an http: or https: URL without a user name and a query")
    }
    // The certificate of the storage covers one label before its host name.
    const isInPath = options.pathStyle ?? (options.endpoint !== undefined || bucket.includes("."))
    const path = url.pathname.replace(/\/$/, "")
    const prefix = (options.prefix ?? "").replace(/^\/|\/$/g, "")
    if (prefix.split("/").some((segment) => segment === "." || segment === "..")) {
      return yield* invalid("prefix", "it must not have . or .. between slashes")
    }
    const timeout = Duration.decodeUnknown(options.timeout ?? "2 minutes")
    if (timeout._tag === "None" || !Duration.greaterThan(timeout.value, Duration.zero)) {
      return yield* invalid("timeout", "it must be a time above 0")
    }
    const requests = Requests.make(http, {
      bucketUrl: isInPath ? `${url.origin}${path}/${bucket}` : `${url.protocol}//${bucket}.${url.host}${path}`,
      region,
      credentials,
      timeout: timeout.value,
      retries: 2
    })
    const withSlash = prefix === "" ? "" : `${prefix}/`
    return { bucket: Bucket.make(requests, bucket), prefix: withSlash, url: `s3://${bucket}/${withSlash}` }
  })
