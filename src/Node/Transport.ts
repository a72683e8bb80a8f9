/**
 * The transport on undici's dispatch: bytes go from the parser to their receiver without a stream between.
 *
 * A connection that was read to its end is used again; all are closed with the layer.
 *
 * @since 0.2.0
 */
import { lookup } from "node:dns"
import { BlockList, isIPv6, type LookupFunction } from "node:net"
import * as Undici from "@effect/platform-node/Undici"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { AddressRefused, Timeout } from "../DownloadError.js"
import { contentLength } from "../internal/contentLength.js"
import { isTooManyOpen, whenThereIsOne } from "../internal/descriptors.js"
import { displayUrl } from "../internal/displayUrl.js"
import * as HttpErrors from "../internal/httpErrors.js"
import { Transport, type TransportError, type TransportRequest, type TransportResponse } from "../Transport.js"

/**
 * How connections are made.
 *
 * @category models
 * @since 0.2.0
 */
export interface Options {
  /** For a connection, TLS included. Default 10 seconds. */
  readonly connectTimeout?: Duration.DurationInput | undefined
  /**
   * Refuses loopback, link-local, private and other addresses that are not public (IANA special-purpose registries), as
   * they are connected to: for services that fetch on behalf of others. Default false.
   */
  readonly publicOnly?: boolean | undefined
}

/**
 * The transport on undici.
 *
 * @category layers
 * @since 0.2.0
 */
export const layer = (options: Options = {}): Layer.Layer<Transport> =>
  Layer.scoped(
    Transport,
    Effect.gen(function* () {
      const connectMillis = Duration.toMillis(options.connectTimeout ?? "10 seconds")
      const agent = yield* Effect.acquireRelease(
        Effect.sync(
          () =>
            new Undici.Agent({
              // Limits are the governor's: who waits for a connection here would have a permit already.
              connections: null,
              // Deadlines are the downloader's, on the Clock.
              headersTimeout: 0,
              bodyTimeout: 0,
              maxHeaderSize: 16 * 1024,
              connect: {
                timeout: connectMillis,
                autoSelectFamily: true,
                ...(options.publicOnly === true ? { lookup: publicLookup } : {})
              }
            })
        ),
        (agent) => Effect.promise(() => agent.destroy())
      )
      return Transport.of({
        open: (request) =>
          Effect.suspend(() => {
            const literal = options.publicOnly === true ? refusedLiteral(request.url) : undefined
            return literal === undefined
              ? open(agent, request, connectMillis)
              : new AddressRefused({ url: displayUrl(request.url), address: literal })
          }).pipe(whenThereIsOne((error) => error._tag === "Connection" && isTooManyOpen(error.detail)))
      })
    })
  )

const open = (agent: Undici.Dispatcher, request: TransportRequest, connectMillis: number) =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const exchange = new Exchange(request, connectMillis)
      yield* Effect.addFinalizer(() => exchange.close)
      return yield* restore(exchange.send(agent))
    })
  )

type Resume<A> = (effect: Effect.Effect<A, TransportError>) => void

// One request and its response, between undici's callbacks and two effects that wait for them: `send` and `drive`.
class Exchange implements Undici.Dispatcher.DispatchHandler, TransportResponse {
  status = 0
  headers: Readonly<Record<string, string | undefined>> = {}
  private controller: Undici.Dispatcher.DispatchController | undefined
  private onHead: Resume<TransportResponse> | undefined
  private onChunk: ((chunk: Uint8Array) => boolean) | undefined
  private onStop: Resume<"Ended" | "Paused"> | undefined
  // What came while nobody was asking.
  private readonly early: Array<Uint8Array> = []
  private earlyBytes = 0
  private receivedBytes = 0
  private outcome: Effect.Effect<"Ended", TransportError> | undefined
  private closed = false
  private informational = 0

  constructor(
    private readonly request: TransportRequest,
    private readonly connectMillis: number
  ) {}

  send(agent: Undici.Dispatcher): Effect.Effect<TransportResponse, TransportError> {
    return Effect.async((resume) => {
      this.onHead = resume
      const { origin, pathname, search } = new URL(this.request.url)
      try {
        agent.dispatch({ origin, path: pathname + search, method: "GET", headers: { ...this.request.headers } }, this)
      } catch (cause) {
        this.onResponseError(undefined, cause)
      }
    })
  }

  readonly drive = (onChunk: (chunk: Uint8Array) => boolean): Effect.Effect<"Ended" | "Paused", TransportError> =>
    Effect.async((resume) => {
      for (let chunk = this.early.shift(); chunk !== undefined; chunk = this.early.shift()) {
        this.earlyBytes -= chunk.length
        if (!onChunk(chunk)) {
          resume(Effect.succeed("Paused"))
          return
        }
      }
      if (this.outcome !== undefined) {
        resume(this.outcome)
        return
      }
      this.onChunk = onChunk
      this.onStop = resume
      this.controller?.resume()
      return Effect.sync(() => this.rest())
    })

  /** Gives the connection up where the response was not read to its end, and waits until undici has noticed. */
  readonly close: Effect.Effect<void> = Effect.suspend(() => {
    this.closed = true
    this.early.length = 0
    this.onHead = this.onChunk = this.onStop = undefined
    if (this.outcome !== undefined || this.controller === undefined) {
      return Effect.void
    }
    this.controller.abort(new Error("given up"))
    return aMoment
  })

  // undici's parser fails an assertion, in nobody's reach, when a connection that is not kept alive ends while it is
  // paused. So some of what comes is kept here, and only much of it pauses the sender, and only one of which it is known
  // that its end is no message.
  private rest(): void {
    this.onChunk = this.onStop = undefined
  }

  private endsByLength(): boolean {
    const { connection } = this.headers
    return (
      (contentLength(this.headers) !== undefined || this.headers["transfer-encoding"] !== undefined) &&
      (connection === undefined || /keep-alive/i.test(connection))
    )
  }

  onRequestStart(controller: Undici.Dispatcher.DispatchController): void {
    this.controller = controller
    if (this.closed) {
      controller.abort(new Error("given up"))
    }
  }

  onResponseStart(
    controller: Undici.Dispatcher.DispatchController,
    status: number,
    headers: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>
  ): void {
    if (status < 200) {
      this.informational++
      if (this.informational > informationalAtMost) {
        controller.abort(Object.assign(new Error("too many 1xx responses"), { name: "HTTPParserError" }))
      }
      return
    }
    this.status = status
    this.headers = joined(headers)
    const resume = this.onHead
    this.onHead = undefined
    resume?.(Effect.succeed(this))
  }

  onResponseData(_controller: unknown, chunk: Uint8Array): void {
    // As undici gives them when it goes on after a pause.
    if (chunk.length === 0) {
      return
    }
    this.receivedBytes += chunk.length
    if (this.onChunk === undefined) {
      this.early.push(chunk)
      this.earlyBytes += chunk.length
      if (this.earlyBytes >= earlyAtMostBytes && this.endsByLength()) {
        this.controller?.pause()
      }
    } else if (!this.onChunk(chunk)) {
      const stop = this.onStop
      this.rest()
      stop?.(Effect.succeed("Paused"))
    }
  }

  onResponseEnd(): void {
    // undici takes a connection as free a moment later; who asks before that gets another one.
    queueMicrotask(() => setImmediate(() => this.end(Effect.succeed("Ended" as const))))
  }

  onResponseError(_controller: unknown, cause: unknown): void {
    this.end(Effect.fail(this.failure(cause)))
  }

  private end(outcome: Effect.Effect<"Ended", TransportError>): void {
    this.outcome ??= outcome
    const [onHead, onStop] = [this.onHead, this.onStop]
    this.onHead = this.onChunk = this.onStop = undefined
    onHead?.(Effect.zipRight(this.outcome, Effect.succeed(this)))
    onStop?.(this.outcome)
  }

  private failure(cause: unknown): TransportError {
    const { url } = this.request
    if (cause instanceof RefusedAddress) {
      return new AddressRefused({ url: displayUrl(url), address: cause.address })
    }
    const body =
      this.status === 0 ? undefined : { receivedBytes: this.receivedBytes, expectedBytes: contentLength(this.headers) }
    const error = HttpErrors.fromCause(url, cause, body)
    return error._tag === "Timeout" ? new Timeout({ ...error, limitMillis: this.connectMillis }) : error
  }
}

const earlyAtMostBytes = 1024 * 1024

// A request that is made before undici has noticed that its connection is closed makes it open two.
const aMoment: Effect.Effect<void> = Effect.async((resume) => {
  setImmediate(() => setImmediate(() => resume(Effect.void)))
})

const informationalAtMost = 20

const joined = (
  headers: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>
): Readonly<Record<string, string | undefined>> => {
  const all: Record<string, string | undefined> = {}
  for (const [name, value] of Object.entries(headers)) {
    all[name] = typeof value === "object" ? value.join(", ") : value
  }
  return all
}

class RefusedAddress extends Error {
  constructor(readonly address: string) {
    super("the address is not a public one")
  }
}

// The IANA registries of special-purpose addresses, but for what is reachable in the whole internet.
const special = new BlockList()
for (const [network, prefix] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4]
] as const) {
  special.addSubnet(network, prefix, "ipv4")
}
const globalUnicast = new BlockList()
globalUnicast.addSubnet("2000::", 3, "ipv6")
for (const [network, prefix] of [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20]
] as const) {
  special.addSubnet(network, prefix, "ipv6")
}

/** Whether anybody in the internet means the same host by this address. */
export const isPublic = (address: string): boolean => {
  if (!isIPv6(address)) {
    return !special.check(address, "ipv4")
  }
  return globalUnicast.check(address, "ipv6") && !special.check(address, "ipv6")
}

const publicLookup: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    const refused = addresses?.find(({ address }) => !isPublic(address))
    if (error !== null || refused !== undefined || addresses[0] === undefined) {
      callback(error ?? new RefusedAddress(refused?.address ?? ""), "", 4)
    } else if (options.all === true) {
      callback(null, addresses)
    } else {
      callback(null, addresses[0].address, addresses[0].family)
    }
  })
}

// An address is not looked up.
const refusedLiteral = (url: string): string | undefined => {
  const host = new URL(url).hostname
  const address = host.startsWith("[") ? host.slice(1, -1) : /^[\d.]+$/.test(host) ? host : undefined
  return address !== undefined && !isPublic(address) ? address : undefined
}
