/**
 * The origin of the chapters' flags: `GET /{cc}/{cc}.gif`, as slow and as unreliable as asked.
 *
 * What happens to a request follows from the seed, the country code and how often that flag was asked for before. So
 * the same seed gives each request the same fate, in whatever order concurrent requests arrive. The handler is pure
 * Effect and waits on the Clock: `layer` puts it behind a real `HttpServer`, `layerClient` behind an `HttpClient` with
 * no socket between, for tests.
 *
 * @since 0.1.0
 */
import type { PlatformError } from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as HttpServer from "@effect/platform/HttpServer"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Stream from "effect/Stream"
import { errnoOf } from "./DownloadError/diskErrors.js"
import { isTooManyOpenCode, retryUntilDescriptorFree } from "./internal/descriptors.js"
import * as Printable from "./internal/text/printable.js"

/**
 * How the origin behaves.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /**
   * A directory with the flags as `{cc}.gif` or `{cc}/{cc}.gif`: regular files, and symbolic links to such files inside the
   * directory. Everything else is answered with 404 and is not opened.
   */
  readonly directory: string
  /** Each answer waits this long, evenly drawn from 9 equally spaced values. Default: no wait. */
  readonly delay?: { readonly min: Duration.DurationInput; readonly max: Duration.DurationInput } | undefined
  /** How likely an answer is `418`, from 0 to 1. Default 0. */
  readonly errorRate?: number | undefined
  /** Default: drawn from `Random`. */
  readonly seed?: number | undefined
  /** Told of every request once, when it has ended. */
  readonly onRequest?: ((exchange: Exchange) => Effect.Effect<void>) | undefined
}

/**
 * One request and what became of it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Exchange {
  /** The code in upper case; undefined where the path names none. */
  readonly code: string | undefined
  readonly path: string
  readonly delay: Duration.Duration
  /** Undefined where the client left before the answer. */
  readonly status: number | undefined
}

/**
 * A running origin.
 *
 * @category tags
 * @since 0.1.0
 */
export class FlagServer extends Context.Tag("halyard/FlagServer")<
  FlagServer,
  {
    /** Without a slash at its end; `Flags.url` makes a flag's URL of it. */
    readonly baseUrl: string
    /** What the fates are drawn from: the same seed, the same fates. */
    readonly seed: number
  }
>() {}

/**
 * Serves flags on the `HttpServer` in the context. When the layer closes, requests that still wait are answered `503`
 * at once. Fails where the directory cannot be read.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (
  options: Options
): Layer.Layer<FlagServer, PlatformError, HttpServer.HttpServer | FileSystem.FileSystem> =>
  Layer.scoped(
    FlagServer,
    Effect.gen(function* () {
      const server = yield* HttpServer.HttpServer
      const fs = yield* FileSystem.FileSystem
      yield* fs.readDirectory(options.directory)
      const { answer, seed } = yield* make(options, yield* reader(fs, options.directory))
      yield* server.serve(
        Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
          request.method === "GET" || request.method === "HEAD"
            ? // An HttpServer runs its handler uninterruptible; a client that leaves shall end the wait.
              Effect.map(Effect.interruptible(answer(pathOf(request.url))), toServerResponse)
            : HttpServerResponse.empty({ status: 405, headers: { allow: "GET, HEAD" } })
        )
      )
      return { baseUrl: baseUrlOf(server.address), seed }
    })
  )

/**
 * An `HttpClient` whose every request is answered by the origin's handler, whatever its host is, without a socket. The
 * flags are read when the layer is built, so that under a TestClock nothing waits for a disk.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerClient = (
  options: Options
): Layer.Layer<HttpClient.HttpClient, PlatformError, FileSystem.FileSystem> =>
  Layer.scoped(
    HttpClient.HttpClient,
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const names = yield* fs.readDirectory(options.directory)
      const read = yield* reader(fs, options.directory)
      const codes = new Set(names.map((name) => name.slice(0, 2).toUpperCase()))
      const flags = new Map(
        yield* Effect.forEach(
          codes,
          (code) =>
            Effect.map(
              Effect.flatMap(read(code), (flag) => (flag === undefined ? Effect.succeed(undefined) : whole(flag))),
              (flag) => [code, flag] as const
            ),
          { concurrency: 16 }
        )
      )
      const { answer } = yield* make(options, (code) => Effect.succeed(flags.get(code)))
      return HttpClient.make((request, url) =>
        Effect.map(answer(url.pathname), ({ body, headers, status }) =>
          HttpClientResponse.fromWeb(request, new Response(body, { status, headers }))
        )
      )
    })
  )

/**
 * The line that tells of a request: `BR delay: 3.4s -> 200`.
 *
 * @category rendering
 * @since 0.1.0
 */
export const describe = (exchange: Exchange): string => {
  const what = exchange.code ?? Printable.line(exchange.path)
  return `${what} delay: ${Duration.toSeconds(exchange.delay).toFixed(1)}s -> ${exchange.status ?? "client left"}`
}

type Bytes = Uint8Array<ArrayBuffer>

/** A small file is in memory. A large file is a stream, read as fast as its client reads. */
type Body = Bytes | Stream.Stream<Bytes, PlatformError>

interface Flag<B extends Body> {
  readonly sizeBytes: number
  readonly body: B
}

interface Answer<B extends Body> {
  readonly status: number
  readonly headers: { readonly [name: string]: string }
  readonly body: B
}

// How many different delays there are. A client's deadline that is none of them is then some way from all of them:
// which requests meet it does not depend on how busy the machine is.
const delayLevels = 9

const make = <B extends Body>(
  options: Options,
  flagOf: (code: string) => Effect.Effect<Flag<B> | undefined, PlatformError>
) =>
  Effect.gen(function* () {
    const seed = options.seed ?? (yield* Random.nextIntBetween(0, 2 ** 31))
    const minimum = Duration.toMillis(options.delay?.min ?? 0)
    const maximum = Duration.toMillis(options.delay?.max ?? 0)
    const asked = new Map<string, number>()
    const closing = yield* Deferred.make<void>()
    yield* Effect.addFinalizer(() => Deferred.succeed(closing, undefined))

    const fateOf = (code: string) =>
      Effect.gen(function* () {
        const turn = asked.get(code) ?? 0
        asked.set(code, turn + 1)
        const random = Random.make(`${seed}/${code}/${turn}`)
        const level = yield* random.nextIntBetween(0, delayLevels)
        const refused = (yield* random.next) < (options.errorRate ?? 0)
        return { delay: Duration.millis(minimum + ((maximum - minimum) * level) / (delayLevels - 1)), refused }
      })

    const file = (code: string) =>
      Effect.match(flagOf(code), {
        onFailure: () => plain(500, "Internal Server Error"),
        onSuccess: (flag): Answer<B | Bytes> =>
          flag === undefined
            ? plain(404, "Not Found")
            : {
                status: 200,
                headers: { "content-type": "image/gif", "content-length": `${flag.sizeBytes}` },
                body: flag.body
              }
      })

    return {
      seed,
      answer: (path: string): Effect.Effect<Answer<B | Bytes>> => {
        const code = /^\/([a-z]{2})\/\1\.gif$/i.exec(path)?.[1]?.toUpperCase()
        const tell = (delay: Duration.Duration) => (exit: Exit.Exit<Answer<B | Bytes>>) =>
          options.onRequest?.({ code, path, delay, status: Exit.isSuccess(exit) ? exit.value.status : undefined }) ??
          Effect.void
        if (code === undefined) {
          return Effect.onExit(Effect.succeed(plain(404, "Not Found")), tell(Duration.zero))
        }
        return Effect.flatMap(fateOf(code), ({ delay, refused }) =>
          Effect.sleep(delay).pipe(
            Effect.zipRight(refused ? Effect.succeed(plain(418, "I'm a Teapot")) : file(code)),
            Effect.raceFirst(Effect.as(Deferred.await(closing), plain(503, "Service Unavailable"))),
            Effect.onExit(tell(delay))
          )
        )
      }
    }
  })

// The size of one read. The file is closed between reads, so a client that does not read holds no descriptor.
const pieceBytes = 256 * 1024

// The number of pieces of large files that are read at the same time. Small files do not wait for them.
const largeAtOnce = 4

/**
 * Finds a flag: the first of both layouts that is a regular file inside the directory. Other files are not opened, because
 * opening a FIFO waits for its other end and blocks one of the few threads that read files.
 */
const reader = (fs: FileSystem.FileSystem, directory: string) =>
  Effect.map(Effect.all([fs.realPath(directory), Effect.makeSemaphore(largeAtOnce)]), ([root, large]) => {
    const find = (path: string): Effect.Effect<Flag<Body> | undefined, PlatformError> =>
      Effect.flatMap(fs.realPath(path), (real) =>
        isInside(root, real)
          ? Effect.flatMap(fs.stat(real), ({ size, type }) =>
              type === "File" ? open(fs, large, real, Number(size)) : Effect.succeed(undefined)
            )
          : Effect.succeed(undefined)
      ).pipe(
        retryUntilDescriptorFree((error) => isTooManyOpenCode(errnoOf(error))),
        Effect.catchIf(isMissing, () => Effect.succeed(undefined))
      )
    return (code: string) => {
      const cc = code.toLowerCase()
      return Effect.flatMap(find(`${directory}/${cc}.gif`), (flag) =>
        flag === undefined ? find(`${directory}/${cc}/${cc}.gif`) : Effect.succeed(flag)
      )
    }
  })

const open = (
  fs: FileSystem.FileSystem,
  large: Effect.Semaphore,
  path: string,
  sizeBytes: number
): Effect.Effect<Flag<Body>, PlatformError> =>
  sizeBytes <= pieceBytes
    ? Effect.map(piece(fs, path, 0, sizeBytes), (body) => ({ sizeBytes: body.length, body }))
    : Effect.succeed({
        sizeBytes,
        body: Stream.unfoldEffect(0, (offset) =>
          Effect.map(
            large.withPermits(1)(piece(fs, path, offset, Math.min(pieceBytes, sizeBytes - offset))),
            (bytes) => (bytes.length === 0 ? Option.none() : Option.some([bytes, offset + bytes.length]))
          )
        )
      })

const piece = (fs: FileSystem.FileSystem, path: string, offset: number, bytes: number) =>
  fs.open(path, { flag: "r" }).pipe(
    Effect.tap((file) => file.seek(offset, "start")),
    Effect.flatMap((file) => (bytes === 0 ? Effect.succeedNone : file.readAlloc(bytes))),
    Effect.map((read) => new Uint8Array(Option.getOrElse(read, () => new Uint8Array(0)))),
    Effect.scoped,
    retryUntilDescriptorFree((error) => isTooManyOpenCode(errnoOf(error)))
  )

const whole = ({ body, sizeBytes }: Flag<Body>): Effect.Effect<Flag<Bytes>, PlatformError> =>
  body instanceof Uint8Array
    ? Effect.succeed({ sizeBytes, body })
    : Effect.map(Stream.runCollect(body), (pieces) => {
        const bytes = new Uint8Array(sizeBytes)
        let offset = 0
        for (const more of pieces) {
          bytes.set(more, offset)
          offset += more.length
        }
        return { sizeBytes, body: bytes }
      })

const isInside = (root: string, path: string): boolean =>
  path.startsWith(root) && (/[/\\]$/.test(root) || /^[/\\]/.test(path.slice(root.length)))

// A link in a circle has no target, nor does a link through a file.
const isMissing = (error: PlatformError): boolean =>
  (error._tag === "SystemError" && error.reason === "NotFound") || /^E(?:LOOP|NOTDIR)$/.test(errnoOf(error))

const plain = (status: number, text: string): Answer<Bytes> => {
  const body = new TextEncoder().encode(`${text}\n`)
  return { status, headers: { "content-type": "text/plain", "content-length": `${body.length}` }, body }
}

const toServerResponse = ({ body, headers, status }: Answer<Body>): HttpServerResponse.HttpServerResponse =>
  body instanceof Uint8Array
    ? HttpServerResponse.uint8Array(body, { status, headers, contentType: headers["content-type"] })
    : // A file that has become shorter in the meantime ends the connection, and so the body.
      HttpServerResponse.stream(body, {
        status,
        headers: { ...headers, connection: "close" },
        contentType: headers["content-type"],
        contentLength: Number(headers["content-length"])
      })

const pathOf = (target: string): string =>
  URL.canParse(target, "http://origin") ? new URL(target, "http://origin").pathname : target

const baseUrlOf = (address: HttpServer.Address): string => {
  if (address._tag === "UnixAddress") {
    return "http://localhost"
  }
  return `http://${address.hostname.includes(":") ? `[${address.hostname}]` : address.hostname}:${address.port}`
}
