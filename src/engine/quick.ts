/**
 * The attempt that most transfers are: one request, 200 with a length, a small body, a file. Its steps are calls, from the
 * permit to the published file, and one fiber waits for them once.
 *
 * What is not of that kind is no failure of it: whatever else comes is handed over, with what was received so far, as an
 * attempt under way (`begun`), to `engine/transfer`.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as RequestHeaders from "../Download/requestHeaders.js"
import * as RequestProblem from "../Download/requestProblem.js"
import { type DownloadRequest, Failed, Saved, Skipped } from "../Download.js"
import type { Disk, DownloadError, HttpStatus, Timeout } from "../DownloadError.js"
import { isExit } from "../internal/andThen.js"
import * as Digest from "../internal/digest.js"
import * as NormalizedUrl from "../internal/text/normalizedUrl.js"
import * as Unvalidated from "../internal/unvalidated.js"
import type { OriginGovernor, Permit, PermitOptions } from "../OriginGovernor.js"
import type { Durability, Part, Store } from "../Store.js"
import type { Transport } from "../Transport.js"
import * as Attempt from "./attempt.js"
import {
  beginBody,
  beginWait,
  extendHeaders,
  holdHeaders,
  type Limits,
  type Phase,
  type Wait,
  type Watch,
  type Watched,
  waitWithin
} from "./deadlines.js"
import { type Direct, Drive, type TransportResponse } from "./drive.js"
import type { Hooks } from "./hooks.js"
import type { Kept } from "./partialFile.js"
import type { Advance } from "./progressSampler.js"
import { Receiving } from "./receiveBody.js"
import type { Hop } from "./redirect.js"
import { judge } from "./responseCheck.js"
import type * as Segments from "./segments/segments.js"

/** What the quick attempts of a downloader have in common. */
export interface Means {
  readonly transport: typeof Transport.Service
  readonly store: typeof Store.Service
  readonly governor: typeof OriginGovernor.Service
  readonly watch: Watch
  readonly strict: boolean
  readonly durability: Durability
  readonly limits: (request: DownloadRequest) => Limits
  readonly deadlineAt: (request: DownloadRequest, now: number) => number
  readonly now: () => number
  readonly isInDoubt: (origin: string) => boolean
  readonly originAnswered: (origin: string) => void
  readonly kept: (request: DownloadRequest, expected: Digest.Expected | undefined) => Kept
  readonly advance: (request: DownloadRequest, kept: Kept, hooks: Asked) => Advance
  readonly restMillis: (origin: string, bytes: number) => number
  readonly cool: (origin: string, error: DownloadError, beganAt: number) => Effect.Effect<void>
  readonly timedOut: (request: DownloadRequest, kept: Kept, phase: Phase, wait: Wait) => Timeout
  /** What helpers need of an attempt whose file turns out to be large. */
  readonly segments: (
    origin: string,
    permit: Permit | undefined,
    ask: PermitOptions | undefined,
    limits: Limits,
    wait: Wait,
    timedOut: (phase: Phase, wait: Wait) => Timeout
  ) => Segments.Means | undefined
}

type Received = Extract<Attempt.Result, { readonly _tag: "Received" }>

type Asked = Omit<Hooks, "decide">

// A larger body may be worth more than one connection, and is worth a fiber.
const smallBytes = 256 * 1024

/** The attempt for a request that asks for nothing unusual; else undefined. */
export const quick = (means: Means, request: DownloadRequest, hooks: Asked): Quick | undefined => {
  const origin = NormalizedUrl.originOf(request.url)
  const expected = request.digest === undefined ? undefined : Digest.parse(request.digest)
  return origin === undefined || RequestProblem.ofOtherFields(request) !== undefined
    ? undefined
    : new Quick(means, request, origin, expected, hooks)
}

export class Quick implements Attempt.Attempt, Direct, Watched {
  /** Decided in the step that published the file, or could not. */
  outcome: Saved | Skipped | Failed | undefined
  /** What is handed over. Where there is neither this nor an outcome, nothing was begun. */
  begun: Attempt.Begun | undefined
  beganAt = 0
  place = -1
  readonly kept: Kept
  readonly advance: Advance
  private readonly limits: Limits
  readonly wait: Wait
  /** Stops the timer of the watch, where there is nothing left for it. */
  idle: Effect.Effect<void> | undefined
  private isOver = false
  private reported: Effect.Effect<void> = Effect.void
  private permit: Permit | undefined
  private exchange: Drive | undefined
  private response: TransportResponse | undefined
  private part: Part | undefined
  private receiving: Receiving | undefined
  private resume: ((effect: Effect.Effect<void>) => void) | undefined

  constructor(
    private readonly means: Means,
    readonly request: DownloadRequest,
    readonly origin: string,
    readonly expected: Digest.Expected | undefined,
    private readonly hooks: Asked
  ) {
    this.limits = means.limits(request)
    this.wait = waitWithin(this.limits)
    this.kept = means.kept(request, expected)
    this.advance = means.advance(request, this.kept, hooks)
  }

  /** Suspends until it has come to an outcome or is to be handed over. To be run interruptible, and then `undo`. */
  get attempt(): Effect.Effect<void> {
    return Effect.suspend(() => this.begin())
  }

  /** Gives up what there still is. More than once does no harm. */
  get undo(): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.isOver = true
      const { idle } = this
      this.idle = undefined
      return Effect.zipRight(
        Effect.zipRight(idle ?? this.means.watch.remove(this) ?? Effect.void, this.close),
        Effect.suspend(() => {
          this.release()
          return this.kept.discard
        })
      )
    })
  }

  /** Gives the permit back. */
  release(): void {
    const { permit } = this
    this.permit = undefined
    permit?.release()
  }

  private begin(): Effect.Effect<void> {
    const { means, origin, request } = this
    const { onExists } = request
    if ((onExists === "skip" || onExists === "fail") && valueOf(means.store.exists(request.destination)) !== false) {
      return Effect.void
    }
    if (means.isInDoubt(origin)) {
      return Effect.void
    }
    const acquired = means.governor.acquire(origin, this.hooks.ask)
    if (!isExit(acquired)) {
      return Effect.void
    }
    if (Exit.isFailure(acquired)) {
      return acquired
    }
    this.permit = acquired.value
    const at = means.now()
    this.beganAt = at
    const { limits, wait } = this
    beginWait(wait, at, at + Duration.toMillis(request.timeout), this.hooks.deadlineAt ?? means.deadlineAt(request, at))
    this.exchange = new Drive(
      means.transport,
      {
        url: request.url,
        headers: RequestHeaders.forFirstOrigin(request),
        connectMillis: limits.connectMillis,
        verifiesBody: Attempt.verifiesBody(request)
      },
      () => extendHeaders(wait, means.now()),
      (isHeld) => holdHeaders(wait, isHeld, means.now()),
      this
    )
    const sent = this.exchange.send()
    return Exit.isExit(sent)
      ? this.watched
      : Effect.zipRight(
          Effect.uninterruptible(sent),
          Effect.suspend(() => this.watched)
        )
  }

  private get watched(): Effect.Effect<void> {
    const timer = this.means.watch.add(this)
    return timer === undefined ? this.end : Effect.zipRight(Effect.uninterruptible(timer), this.end)
  }

  private get end(): Effect.Effect<void> {
    // Without a canceller, which may never run: who interrupts it runs `undo`.
    return Effect.async((resume) => {
      if (this.isOver) {
        resume(this.reported)
      } else {
        this.resume = resume
      }
    })
  }

  onHead(response: TransportResponse): boolean {
    return this.orDie(() => this.head(response))
  }

  private head(response: TransportResponse): boolean {
    const { kept, means, request, wait } = this
    if (this.isOver) {
      return false
    }
    beginBody(wait, means.now())
    this.originAnswered()
    const answer = response.status === 200 ? judge(this, response, 0) : undefined
    if (answer !== undefined && Either.isLeft(answer)) {
      return this.handOver(this.of(Effect.fail(answer.left)))
    }
    const totalBytes = answer?.right.totalBytes ?? Number.POSITIVE_INFINITY
    const part = totalBytes > smallBytes ? undefined : valueOf(means.store.open(request.destination))
    if (answer === undefined || part === undefined) {
      return this.handOver(Attempt.from(this, Effect.succeed(response), this.close, 0))
    }
    kept.adopt(part)
    kept.totalBytes = totalBytes
    this.response = response
    this.part = part
    this.receiving = new Receiving(this, { part, claim: kept.claim(0, totalBytes), endBytes: totalBytes, wait })
    return true
  }

  onChunk(chunk: Uint8Array): boolean {
    return !this.isOver && (this.receiving?.onChunk(chunk) === true || this.handOver(this.rest()))
  }

  onEnd(): void {
    this.orDie(() => this.whole())
  }

  private whole(): false {
    const { durability, governor, watch } = this.means
    const { part, request } = this
    if (this.isOver || part === undefined) {
      return false
    }
    const verified = Attempt.verify(this)
    if (Either.isLeft(verified)) {
      return this.handOver(this.of(Effect.fail(verified.left)))
    }
    const received: Received = { _tag: "Received", part, bytes: this.kept.bytes, verified: verified.right }
    const published = part.publish({ onExists: request.onExists, durability })
    if (!isExit(published)) {
      return this.handOver(this.of(Effect.succeed(received)))
    }
    this.outcome = this.outcomeOf(published, received)
    if (this.outcome === undefined) {
      return this.handOver(this.of(Effect.zipRight(published, Effect.succeed(received))))
    }
    this.isOver = true
    this.reported = governor.report(this.origin, { signal: "success", beganAtMillis: this.beganAt })
    this.release()
    this.idle = watch.remove(this)
    this.resume?.(this.reported)
    return false
  }

  onStop(): void {
    if (!this.isOver) {
      this.handOver(this.rest())
    }
  }

  expire(phase: Phase): void {
    if (!this.isOver) {
      this.handOver(this.of(this.timedOut(phase)))
    }
  }

  get transport(): typeof Transport.Service {
    return this.means.transport
  }

  get store(): typeof Store.Service {
    return this.means.store
  }

  get strict(): boolean {
    return this.means.strict
  }

  originAnswered(): void {
    this.means.originAnswered(this.origin)
  }

  get connectMillis(): number | undefined {
    return this.limits.connectMillis
  }

  get now(): () => number {
    return this.means.now
  }

  get hop(): Hop {
    return { url: new URL(this.request.url), count: 0, isFirstOrigin: true }
  }

  get segments(): Segments.Means | undefined {
    return this.means.segments(this.origin, this.permit, this.hooks.ask, this.limits, this.wait, (phase, wait) =>
      this.means.timedOut(this.request, this.kept, phase, wait)
    )
  }

  get refused(): (error: HttpStatus) => Effect.Effect<void> {
    return (error) => this.means.cool(this.origin, error, this.beganAt)
  }

  restMillis(bytes: number): number {
    return this.means.restMillis(this.origin, bytes)
  }

  advanced(): void {
    this.advance.after()
  }

  private get close(): Effect.Effect<void> {
    return Effect.suspend(() => {
      const { exchange } = this
      this.exchange = undefined
      return exchange?.close ?? Effect.void
    })
  }

  /** What is left to do, by effects. */
  private rest(): Attempt.Begun {
    const { exchange, part, receiving, response } = this
    if (response !== undefined && part !== undefined && receiving !== undefined) {
      return this.of(Attempt.received(this, response, part, receiving))
    }
    return exchange === undefined ? this.of(Effect.interrupt) : Attempt.from(this, exchange.response, this.close, 0)
  }

  private of(work: Effect.Effect<Attempt.Result, DownloadError>): Attempt.Begun {
    return { work, close: this.close }
  }

  /** A bug of a store, a hasher or whatever else is called is the transfer's defect, and not the event loop's. */
  private orDie(act: () => boolean): boolean {
    try {
      return act()
    } catch (defect) {
      if (this.isOver || this.outcome !== undefined) {
        // The outcome is final. The fiber cleans up the rest.
        this.resume?.(Effect.die(defect))
        return false
      }
      return this.handOver(this.of(Effect.die(defect)))
    }
  }

  private timedOut(phase: Phase): Timeout {
    return this.means.timedOut(this.request, this.kept, phase, this.wait)
  }

  private handOver(begun: Attempt.Begun): false {
    this.isOver = true
    if (this.response !== undefined) {
      this.kept.begun(this.response, this.kept.totalBytes, this.hop.url)
    }
    this.begun = begun
    this.means.watch.leave(this)
    this.resume?.(Effect.void)
    return false
  }

  /** Undefined where it is a defect. */
  private outcomeOf(
    published: Exit.Exit<string | undefined, Disk>,
    received: Received
  ): Saved | Skipped | Failed | undefined {
    const { request } = this
    if (Exit.isSuccess(published)) {
      const destination = published.value
      return destination === undefined
        ? Unvalidated.make(Skipped, { request })
        : Unvalidated.make(Saved, {
            request,
            destination,
            bytes: received.bytes,
            verified: received.verified,
            attempts: 1
          })
    }
    const error = Cause.failureOption(published.cause)
    return Option.isSome(error) ? Unvalidated.make(Failed, { request, error: error.value }) : undefined
  }
}

const valueOf = <A>(effect: Effect.Effect<A, unknown>): A | undefined =>
  isExit(effect) && Exit.isSuccess(effect) ? effect.value : undefined
