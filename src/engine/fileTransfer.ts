/**
 * One file on its way: the state that its attempts share, and the services that they use.
 *
 * @internal
 */
import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as RequestHeaders from "../Download/requestHeaders.js"
import type { DownloadRequest } from "../Download.js"
import { type DownloadError, Timeout } from "../DownloadError.js"
import { MirrorGivenUp, Paused, Responded } from "../DownloadEvent.js"
import type { Hasher } from "../Hasher.js"
import { andThen, isExit } from "../internal/andThen.js"
import type { Expected } from "../internal/digest.js"
import * as ContentDisposition from "../internal/http/contentDisposition.js"
import * as Quota from "../internal/http/quota.js"
import { shownHeaders } from "../internal/http/shownHeaders.js"
import { displayUrl } from "../internal/text/displayUrl.js"
import * as FileNames from "../internal/text/fileNames.js"
import * as Unvalidated from "../internal/unvalidated.js"
import type { OriginGovernor, Signal } from "../OriginGovernor.js"
import * as RetryPolicy from "../RetryPolicy.js"
import type { Durability, Part, Store } from "../Store.js"
import type { ResponseHead, Transport } from "../Transport.js"
import type { Deadlines } from "./deadlines.js"
import { Delivery } from "./delivery.js"
import type { EventTimer } from "./eventTimer.js"
import type { EventSink, Hooks, Names } from "./hooks.js"
import { fileOf, LocalFile, type Unchanged } from "./localFile.js"
import { PartialFile } from "./partialFile.js"
import { isNamedBefore, isOfOther, isSameContent, precheck, verify } from "./precheck.js"
import { ProgressSampler } from "./progressSampler.js"
import type { Quotas } from "./quotas.js"
import type { Reachability } from "./reachability.js"
import type { Hop } from "./redirect.js"
import { Checkpoints } from "./resume/checkpoints.js"
import type { ResumeRule } from "./resume/resumeRule.js"
import type { RunPermits } from "./runPermits.js"
import { Mirrors, type Source } from "./segments/mirrors.js"
import type { SegmentRule } from "./segments/segmentRule.js"
import type { TransferTrace } from "./trace.js"
import type { Limits, Phase, Wait } from "./wait.js"

export interface TransferOptions {
  readonly retry: RetryPolicy.RetryPolicy
  readonly limits: Limits
  readonly durability: Durability
  /** The headers that each request has. */
  readonly headers: RequestHeaders.Headers
  /** Refuse content that has neither a length nor a digest. */
  readonly strict: boolean
  /** Maximum size of the content, for requests without their own limit. */
  readonly limitBytes: number
  /** Send an event for each response. */
  readonly responses: boolean
  /** Send an event for each request that has ended. */
  readonly exchanges: boolean
  /** Set the modification time of a saved file to the `Last-Modified` of its response. */
  readonly mtime: boolean
  /** Undefined if a file has one connection. */
  readonly segments: SegmentRule | undefined
  readonly resume: ResumeRule
}

/** The services that all transfers of a downloader use. */
export interface Services {
  readonly transport: typeof Transport.Service
  readonly store: typeof Store.Service
  readonly governor: typeof OriginGovernor.Service
  readonly hasher: typeof Hasher.Service
  readonly clock: Clock.Clock
  readonly deadlines: Deadlines
  readonly reachability: Reachability
  readonly quotas: Quotas
  /** Sends the samples of progress. */
  readonly sampleTimer: EventTimer
  /** Sends the events of long waits. */
  readonly waitTimer: EventTimer
  readonly options: TransferOptions
}

export class FileTransfer {
  readonly transport: Services["transport"]
  readonly store: Services["store"]
  readonly governor: Services["governor"]
  readonly hasher: Services["hasher"]
  readonly journal: Hooks["journal"]
  readonly clock: Clock.Clock
  readonly deadlines: Deadlines
  readonly reachability: Reachability
  readonly options: TransferOptions
  private readonly quotas: Quotas
  private shown: { readonly of: object; readonly headers: Readonly<Record<string, string>> } | undefined
  readonly permitOptions: RunPermits | undefined
  readonly partial: PartialFile
  readonly checkpoints: Checkpoints
  /** Undefined if the part can start over. */
  readonly delivery: Delivery | undefined
  readonly sampler: ProgressSampler
  readonly waitTimer: EventTimer
  /** False until the head of a response has named the file, if the request leaves that to the server. */
  isNamed: boolean
  /** The path that the file will have. */
  destination: string
  /** The number of the attempt, from 1. */
  attempts = 1
  /** The number of requests that are open. */
  connections = 0
  /** The name that the server gave, before it was made safe. */
  serverName: string | undefined
  /** The file that the transfer may replace. */
  local: LocalFile | undefined
  private readonly names: Names | undefined
  readonly events: EventSink | undefined
  /** Undefined if there are no spans. */
  private readonly traces: Hooks["trace"]
  readonly cookies: Hooks["cookies"]
  readonly mirrors: Mirrors

  constructor(
    {
      clock,
      deadlines,
      governor,
      hasher,
      options,
      waitTimer,
      quotas,
      reachability,
      sampleTimer,
      store,
      transport
    }: Services,
    readonly request: DownloadRequest,
    readonly expected: Expected | undefined,
    /** The URL of the request, or the mirror that took its place. */
    public firstHop: Hop,
    mirrors: ReadonlyArray<Source>,
    hooks: Hooks
  ) {
    this.transport = transport
    this.store = hooks.content?.store ?? store
    this.governor = governor
    this.hasher = hasher
    this.journal = hooks.journal
    this.clock = clock
    this.deadlines = deadlines
    this.reachability = reachability
    this.quotas = quotas
    this.options = options
    this.permitOptions = hooks.permitOptions
    const limitBytes = request.limitBytes ?? options.limitBytes
    this.partial = new PartialFile(request, expected, hasher, limitBytes, firstHop, options.resume)
    this.checkpoints = new Checkpoints(this.partial, options.resume, options.durability, () => this.now())
    this.destination = request.destination
    this.isNamed = request.nameFrom !== "server"
    this.names = hooks.names
    const sink = hooks.content?.sink
    this.delivery = sink === undefined ? undefined : new Delivery(sink, this.partial)
    this.partial.isDelivered = sink !== undefined
    this.events = hooks.events
    this.traces = hooks.trace
    this.cookies = hooks.cookies
    this.mirrors = new Mirrors(mirrors)
    this.sampler = new ProgressSampler(sampleTimer, this)
    this.waitTimer = waitTimer
  }

  /** The trace of a caller that waits for this transfer. */
  get trace(): TransferTrace | undefined {
    return this.traces?.trace
  }

  get segments(): SegmentRule | undefined {
    // A delivery is in order.
    return this.firstHop.isPlainGet && this.delivery === undefined ? this.options.segments : undefined
  }

  /**
   * Names the file by the head of the first response that is accepted, and looks at the destination. Undefined if the transfer
   * goes on.
   */
  named({ headers }: ResponseHead): Effect.Effect<Unchanged | undefined, DownloadError> {
    const { request } = this
    this.isNamed = true
    this.serverName = ContentDisposition.fileName(headers["content-disposition"])
    const wanted =
      this.serverName === undefined
        ? request.destination
        : FileNames.beside(request.destination, FileNames.fromText(this.serverName))
    return andThen(this.take(wanted), (destination) => {
      this.destination = destination
      return this.look()
    })
  }

  /** Names the file before a request if an earlier transfer of its URL has saved the destination under its server's name. */
  isNamedBefore(): Effect.Effect<boolean, DownloadError> {
    return andThen(isNamedBefore(this, this.destination), (isNamed) => {
      if (isNamed) {
        this.isNamed = true
        this.names?.take(this.destination, () => false)
      }
      return Exit.succeed(isNamed)
    })
  }

  /** Takes the path, or the first numbered one that has no file of another URL, and with `unique` no file. */
  private take(wanted: string, refused = new Set<string>()): Effect.Effect<string, DownloadError> {
    const { names } = this
    if (names === undefined) {
      return Exit.succeed(wanted)
    }
    // A loop, because a call for each of thousands of names would be too deep.
    for (;;) {
      const path = names.take(wanted, (path) => refused.has(path))
      const looking = isOfOther(this, path)
      if (!isExit(looking)) {
        return Effect.flatMap(looking, (isOther) =>
          isOther ? this.take(wanted, refused.add(path)) : Exit.succeed(path)
        )
      }
      if (Exit.isFailure(looking) || !looking.value) {
        return Exit.as(looking, path)
      }
      refused.add(path)
    }
  }

  /** Takes the path that the store has given the file, if it is another one. */
  publishedAs(path: string): void {
    if (path !== this.destination) {
      this.names?.take(path, () => false)
    }
  }

  /** Looks at the destination. Undefined if the transfer goes on. */
  look(): Effect.Effect<Unchanged | undefined, DownloadError> {
    return andThen(precheck(this, this.destination), (found) => {
      if (found instanceof LocalFile) {
        this.local = found
        return Exit.succeed(undefined)
      }
      return Exit.succeed(found)
    })
  }

  /**
   * Looks at the file that another program has made while this transfer received a part of `sizeBytes` bytes. Undefined if it is
   * not the same: it has another digest, or other bytes if the request has no digest.
   */
  appeared(part: Part, sizeBytes: number): Effect.Effect<Unchanged | undefined, DownloadError> {
    const { destination, expected, store } = this
    return andThen(store.stat(destination), (info) => {
      if (info?.sizeBytes !== sizeBytes) {
        return Exit.succeed(undefined)
      }
      return expected === undefined
        ? andThen(isSameContent(store, destination, part), (isSame) =>
            Exit.succeed(isSame ? ({ _tag: "Unchanged", how: "same-size", file: fileOf(info) } as const) : undefined)
          )
        : verify(this, expected, destination, info)
    })
  }

  /** Sends the event of a response, if that is asked for. */
  responded({ href }: Hop, { headers, status }: ResponseHead): void {
    const { events, options, request } = this
    if (options.responses && events?.hasListener === true) {
      const shown = this.shownHeaders(headers)
      events.send(Unvalidated.make(Responded, { request, atMillis: this.atMillis, url: href, status, headers: shown }))
    }
  }

  /** The headers of a response for events. Its `Responded` and its `Exchanged` have the same ones. */
  shownHeaders(headers: ResponseHead["headers"]): Readonly<Record<string, string>> {
    if (this.shown?.of !== headers) {
      this.shown = { of: headers, headers: shownHeaders(headers) }
    }
    return this.shown.headers
  }

  /** Gives up the URL, and puts the next mirror in its place. Returns false if there is none. */
  nextMirror(): boolean {
    const mirror = this.mirrors.next()
    if (mirror === undefined) {
      return false
    }
    this.firstHop = mirror
    this.partial.changeSource()
    this.mirrors.onMixed()
    this.reachability.leave(this.partial)
    return true
  }

  /** The time of an event. */
  get atMillis(): number {
    return this.clock.unsafeCurrentTimeMillis()
  }

  /** Milliseconds of the Clock's nanoseconds. */
  now(): number {
    return Number(this.clock.unsafeCurrentTimeNanos()) / 1e6
  }

  /** Reports a failure to the governor, and pauses the origin if it asked for it. */
  cool(origin: string, error: DownloadError, beganAtMillis: number): Effect.Effect<void> {
    this.reachability.onFailure(origin, error)
    const pauseMillis = isOverload(error) ? RetryPolicy.askedMillis(this.options.retry, error) : 0
    return this.governor.report(origin, { signal: signalOf(error), beganAtMillis, pauseMillis })
  }

  /** Heeds what a response says besides its content: cookies, and that a quota of its origin is used up. */
  heed(hop: Hop, { headers }: ResponseHead, beganAtMillis: number): Effect.Effect<void> {
    const { origin } = hop
    const set = headers["set-cookie"]
    if (this.cookies !== undefined && set !== undefined) {
      this.cookies.receive(RequestHeaders.requestUrl(hop), set.split("\n"))
    }
    // Most responses say nothing, and are looked at no further.
    return Quota.isSaid(headers) ? this.quotas.pause(origin, headers, beganAtMillis, this) : Exit.void
  }

  /** Reports that a URL of the file gets no more requests for segments. */
  onGivenUp({ href }: Hop, error: DownloadError): void {
    const { events, request } = this
    if (events?.hasListener === true) {
      const mirror = displayUrl(href)
      events.send(Unvalidated.make(MirrorGivenUp, { request, atMillis: this.atMillis, mirror, error }))
    }
  }

  /** Reports that an origin is paused. */
  onPaused(origin: string, pauseMillis: number): void {
    const { events, request } = this
    if (events?.hasListener === true) {
      events.send(Unvalidated.make(Paused, { request, atMillis: this.atMillis, origin, pauseMillis }))
    }
  }

  timedOut({ href }: Hop, phase: Phase, { limits: { headersMillis, stall } }: Wait): Timeout {
    const { deadline, timeout } = this.request
    const limitMillis = {
      headers: headersMillis,
      stall: stall.millis,
      total: Duration.toMillis(timeout),
      deadline: Duration.toMillis(deadline ?? Duration.infinity)
    }[phase]
    return new Timeout({ url: displayUrl(href), phase, limitMillis, receivedBytes: this.partial.bytes })
  }
}

const isOverload = (error: DownloadError): boolean =>
  error._tag === "HttpStatus" && (error.status === 429 || error.status === 503)

/** The signal of a failure about its origin: an overload, or neutral. */
const signalOf = (error: DownloadError): Signal => {
  switch (error._tag) {
    case "Timeout":
      return error.phase === "deadline" ? "neutral" : "overload"
    case "HttpStatus":
      return isOverload(error) ? "overload" : "neutral"
    case "Connection":
      return error.reason === "reset" || error.reason === "refused" ? "overload" : "neutral"
    default:
      return "neutral"
  }
}
