/**
 * The backend on undici's dispatch: bytes go from the parser to their receiver without a stream between.
 *
 * @internal
 */
import * as Undici from "@effect/platform-node/Undici"
import * as Effect from "effect/Effect"
import { contentLength } from "../../internal/contentLength.js"
import { isTooManyOpen, whenThereIsOne } from "../../internal/descriptors.js"
import type { Transport, TransportError, TransportRequest, TransportResponse } from "../../Transport.js"
import { publicLookup } from "./addresses.js"
import { closedByPeer, failure, informationalAtMost, tooManyInformational } from "./failure.js"

export interface Backend {
  readonly open: typeof Transport.Service.open
  /** Ends every connection and whatever is under way on it. */
  readonly destroy: () => Promise<void>
}

export interface Settings {
  readonly connectMillis: number
  readonly publicOnly: boolean
  /** What makes connections in place of undici. */
  readonly connect?: Undici.buildConnector.connector | undefined
}

export const make = (settings: Settings): Backend => {
  const sockets = noting(
    settings.connect ??
      Undici.buildConnector({
        timeout: settings.connectMillis,
        autoSelectFamily: true,
        ...(settings.publicOnly ? { lookup: publicLookup } : {})
      })
  )
  const agent = new Undici.Agent({
    // Limits are the governor's: who waits for a connection here would have a permit already.
    connections: null,
    // Deadlines are the downloader's, on the Clock.
    headersTimeout: 0,
    bodyTimeout: 0,
    maxHeaderSize: 16 * 1024,
    connect: sockets.connect
  })
  const isForWant = (error: TransportError) => error._tag === "Connection" && isTooManyOpen(error.detail)
  return {
    open: (request) => whenThereIsOne(isForWant)(open(agent, request, settings.connectMillis, sockets.isFailing)),
    destroy: () => agent.destroy()
  }
}

// undici takes a body that ends with its connection for whole where that is reset: on some systems a reset overtakes the
// last bytes of a response, on none does it say that they were the last. It does so while the socket tells of the error,
// to this listener first.
const noting = (connect: Undici.buildConnector.connector) => {
  let isFailing = false
  const onError = () => {
    isFailing = true
    queueMicrotask(() => {
      isFailing = false
    })
  }
  const noted: Undici.buildConnector.connector = (options, callback) =>
    connect(options, (...result) => {
      result[1]?.on("error", onError)
      callback(...result)
    })
  return { connect: noted, isFailing: () => isFailing }
}

const open = (agent: Undici.Dispatcher, request: TransportRequest, connectMillis: number, isFailing: () => boolean) =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const exchange = new Exchange(request, connectMillis, isFailing)
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
    private readonly connectMillis: number,
    private readonly isFailing: () => boolean
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
        controller.abort(tooManyInformational)
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
    if (this.isFailing()) {
      this.onResponseError(undefined, closedByPeer)
      return
    }
    // undici takes a connection as free a moment later; who asks before that gets another one.
    queueMicrotask(() => setImmediate(() => this.end(Effect.succeed("Ended" as const))))
  }

  onResponseError(_controller: unknown, cause: unknown): void {
    const body =
      this.status === 0 ? undefined : { receivedBytes: this.receivedBytes, expectedBytes: contentLength(this.headers) }
    this.end(Effect.fail(failure(this.request.url, cause, this.connectMillis, body)))
  }

  private end(outcome: Effect.Effect<"Ended", TransportError>): void {
    this.outcome ??= outcome
    const [onHead, onStop] = [this.onHead, this.onStop]
    this.onHead = this.onChunk = this.onStop = undefined
    onHead?.(Effect.zipRight(this.outcome, Effect.succeed(this)))
    onStop?.(this.outcome)
  }
}

const earlyAtMostBytes = 1024 * 1024

// A request that is made before undici has noticed that its connection is closed makes it open two.
const aMoment: Effect.Effect<void> = Effect.async((resume) => {
  setImmediate(() => setImmediate(() => resume(Effect.void)))
})

const joined = (
  headers: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>
): Readonly<Record<string, string | undefined>> => {
  const all: Record<string, string | undefined> = {}
  for (const [name, value] of Object.entries(headers)) {
    all[name] = typeof value === "object" ? value.join(", ") : value
  }
  return all
}
