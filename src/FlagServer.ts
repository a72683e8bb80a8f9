/**
 * The origin of the chapter's flags. It answers `GET /{cc}/{cc}.gif`, with delays and errors if the options ask for them.
 *
 * The delay and the error of a request depend on the seed, on the country code, and on the number of earlier requests for this
 * flag. The order of concurrent requests for different flags has no influence. The origin waits on the `Clock`. `layer` serves on
 * an `HttpServer`. `layerClient` is an `HttpClient` without a socket, for tests.
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
import { codeOf } from "./DownloadError/diskErrors.js"
import { isTooManyOpenCode, retryUntilDescriptorFree } from "./internal/descriptors.js"
import * as Printable from "./internal/text/printable.js"

/**
 * The options of an origin.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /**
   * A directory with the flags as `{cc}.gif` or `{cc}/{cc}.gif`: regular files, and symbolic links to such files inside the
   * directory. The origin opens no other files, and answers 404.
   */
  readonly directory: string
  /** The time before each response: one of 9 values at equal distances, all equally probable. Default: no delay. */
  readonly delay?: { readonly min: Duration.DurationInput; readonly max: Duration.DurationInput } | undefined
  /** The probability of the response `418`, from 0 to 1. Default: 0. */
  readonly errorRate?: number | undefined
  /** Requests have the same delays and errors if the seed is the same. Default: drawn from `Random`. */
  readonly seed?: number | undefined
  /** Runs once for every request, when the request has ended. */
  readonly onRequest?: ((exchange: Exchange) => Effect.Effect<void>) | undefined
}

/**
 * One request and its result.
 *
 * @category models
 * @since 0.1.0
 */
export interface Exchange {
  /** The country code in upper case. Undefined if the path has none. */
  readonly code: string | undefined
  readonly path: string
  readonly delay: Duration.Duration
  /** Undefined if the client closed the connection before the response. */
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
    /** Has no slash at its end. `Flags.url` makes the URL of a flag from it. */
    readonly baseUrl: string
    /** The seed of the delays and errors. */
    readonly seed: number
  }
>() {}

/**
 * Serves flags on the `HttpServer` in the context. When the layer is closed, it answers waiting requests with `503`. Building the
 * layer fails if the directory cannot be read.
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
      const find = yield* finder(fs, options.directory)
      const large = yield* Effect.makeSemaphore(maxLargeReads)
      const { respond, seed } = yield* make(options, (code) => Effect.flatMap(find(code), toResponse(fs, large)))
      yield* server.serve(
        Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
          request.method === "GET" || request.method === "HEAD"
            ? // An `HttpServer` runs its handler uninterruptible. Closing the connection interrupts the delay.
              Effect.interruptible(respond(pathOf(request.url)))
            : HttpServerResponse.empty({ status: 405, headers: { allow: "GET, HEAD" } })
        )
      )
      return { baseUrl: baseUrlOf(server.address), seed }
    })
  )

/**
 * An `HttpClient` that the origin answers without a socket, for any host name. The flags are read when the layer is built, so
 * nothing waits for a disk under a `TestClock`.
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
      const find = yield* finder(fs, options.directory)
      const read = (code: string) =>
        Effect.flatMap(find(code), (file) =>
          file === undefined ? Effect.succeed(undefined) : Effect.map(fs.readFile(file.path), gif)
        )
      const codes = Array.from(new Set(names.map((name) => name.slice(0, 2).toUpperCase())))
      const flags = new Map(
        yield* Effect.forEach(codes, (code) => Effect.map(read(code), (flag) => [code, flag] as const), {
          concurrency: 16
        })
      )
      const { respond } = yield* make(options, (code) => Effect.succeed(flags.get(code)))
      return HttpClient.make((request, url) =>
        Effect.map(respond(url.pathname), (response) =>
          HttpClientResponse.fromWeb(request, HttpServerResponse.toWeb(response))
        )
      )
    })
  )

/**
 * Returns one line about a request: `BR delay: 3.4s -> 200`.
 *
 * @category rendering
 * @since 0.1.0
 */
export const describe = (exchange: Exchange): string => {
  const subject = exchange.code ?? Printable.line(exchange.path)
  return `${subject} delay: ${Duration.toSeconds(exchange.delay).toFixed(1)}s -> ${exchange.status ?? "client left"}`
}

// With few different delays, a test can choose a time limit that is far from all of them. The speed of the machine then does not
// decide which requests exceed the limit.
const delayLevels = 9

type Response = HttpServerResponse.HttpServerResponse

const make = (options: Options, flagOf: (code: string) => Effect.Effect<Response | undefined, PlatformError>) =>
  Effect.gen(function* () {
    const seed = options.seed ?? (yield* Random.nextIntBetween(0, 2 ** 31))
    const minMillis = Duration.toMillis(options.delay?.min ?? 0)
    const maxMillis = Duration.toMillis(options.delay?.max ?? 0)
    const counts = new Map<string, number>()
    const closing = yield* Deferred.make<void>()
    yield* Effect.addFinalizer(() => Deferred.succeed(closing, undefined))

    const draw = (code: string) =>
      Effect.gen(function* () {
        const count = counts.get(code) ?? 0
        counts.set(code, count + 1)
        const random = Random.make(`${seed}/${code}/${count}`)
        const level = yield* random.nextIntBetween(0, delayLevels)
        const isError = (yield* random.next) < (options.errorRate ?? 0)
        return { delay: Duration.millis(minMillis + ((maxMillis - minMillis) * level) / (delayLevels - 1)), isError }
      })

    const respondWithFlag = (code: string) =>
      Effect.match(flagOf(code), {
        onFailure: (error) => (isMissing(error) ? text(404, "Not Found") : text(500, "Internal Server Error")),
        onSuccess: (flag) => flag ?? text(404, "Not Found")
      })

    return {
      seed,
      respond: (path: string): Effect.Effect<Response> => {
        const code = /^\/([a-z]{2})\/\1\.gif$/i.exec(path)?.[1]?.toUpperCase()
        const onExit = (delay: Duration.Duration) => (exit: Exit.Exit<Response>) =>
          options.onRequest?.({ code, path, delay, status: Exit.isSuccess(exit) ? exit.value.status : undefined }) ??
          Effect.void
        if (code === undefined) {
          return Effect.onExit(Effect.succeed(text(404, "Not Found")), onExit(Duration.zero))
        }
        return Effect.flatMap(draw(code), ({ delay, isError }) =>
          Effect.sleep(delay).pipe(
            Effect.zipRight(isError ? Effect.succeed(text(418, "I'm a Teapot")) : respondWithFlag(code)),
            Effect.raceFirst(Effect.as(Deferred.await(closing), text(503, "Service Unavailable"))),
            Effect.onExit(onExit(delay))
          )
        )
      }
    }
  })

const text = (status: number, reason: string): Response => HttpServerResponse.text(`${reason}\n`, { status })

const gif = (content: Uint8Array): Response => HttpServerResponse.uint8Array(content, { contentType: "image/gif" })

// The size of one read. The file is closed between reads, so a client that does not read holds no descriptor.
const readBytes = 256 * 1024

// The number of large files that are read at the same time. Small files do not wait for them.
const maxLargeReads = 4

interface File {
  readonly path: string
  readonly sizeBytes: number
}

/**
 * Finds the file of a flag: a regular file inside the directory, in either layout. It opens no file, because opening a FIFO waits
 * for a writer and blocks one of the few threads that read files.
 */
const finder = (fs: FileSystem.FileSystem, directory: string) =>
  Effect.map(fs.realPath(directory), (root) => {
    const find = (link: string): Effect.Effect<File | undefined, PlatformError> =>
      Effect.gen(function* () {
        const path = yield* fs.realPath(link)
        if (!isInside(root, path)) {
          return undefined
        }
        const { size, type } = yield* fs.stat(path)
        return type === "File" ? { path, sizeBytes: Number(size) } : undefined
      }).pipe(
        retryUntilDescriptorFree(isTooManyOpen),
        Effect.catchIf(isMissing, () => Effect.succeed(undefined))
      )
    return (code: string) => {
      const cc = code.toLowerCase()
      return Effect.flatMap(find(`${directory}/${cc}.gif`), (file) =>
        file === undefined ? find(`${directory}/${cc}/${cc}.gif`) : Effect.succeed(file)
      )
    }
  })

const toResponse =
  (fs: FileSystem.FileSystem, large: Effect.Semaphore) =>
  (file: File | undefined): Effect.Effect<Response | undefined, PlatformError> => {
    if (file === undefined) {
      return Effect.succeed(undefined)
    }
    const { path, sizeBytes } = file
    if (sizeBytes <= readBytes) {
      return Effect.map(read(fs, path, 0, sizeBytes), gif)
    }
    const content = Stream.unfoldEffect(0, (offset) =>
      Effect.map(large.withPermits(1)(read(fs, path, offset, Math.min(readBytes, sizeBytes - offset))), (chunk) =>
        chunk.length === 0 ? Option.none() : Option.some([chunk, offset + chunk.length])
      )
    )
    // If the file has become shorter, the body ends early, and so the connection cannot be reused.
    return Effect.succeed(
      HttpServerResponse.stream(content, {
        headers: { connection: "close" },
        contentType: "image/gif",
        contentLength: sizeBytes
      })
    )
  }

const read = (fs: FileSystem.FileSystem, path: string, offset: number, bytes: number) =>
  fs.open(path, { flag: "r" }).pipe(
    Effect.tap((file) => file.seek(offset, "start")),
    Effect.flatMap((file) => (bytes === 0 ? Effect.succeedNone : file.readAlloc(bytes))),
    Effect.map(Option.getOrElse(() => new Uint8Array(0))),
    Effect.scoped,
    retryUntilDescriptorFree(isTooManyOpen)
  )

const isInside = (root: string, path: string): boolean =>
  path.startsWith(root) && (/[/\\]$/.test(root) || /^[/\\]/.test(path.slice(root.length)))

const isTooManyOpen = (error: PlatformError): boolean => isTooManyOpenCode(codeOf(error))

// ELOOP: symbolic links form a circle. ENOTDIR: a parent is a file.
const isMissing = (error: PlatformError): boolean => /^E(?:NOENT|LOOP|NOTDIR)$/.test(codeOf(error))

const pathOf = (target: string): string =>
  URL.canParse(target, "http://origin") ? new URL(target, "http://origin").pathname : target

const baseUrlOf = (address: HttpServer.Address): string => {
  if (address._tag === "UnixAddress") {
    return "http://localhost"
  }
  return `http://${address.hostname.includes(":") ? `[${address.hostname}]` : address.hostname}:${address.port}`
}
