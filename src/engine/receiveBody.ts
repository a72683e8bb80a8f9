/**
 * One request and its response: the transport's calls write its bytes into the part, up to the end of a claim.
 *
 * The request of an attempt is one, and so is the request of each segment. If a chunk needs an effect that has to wait, such as
 * a write to a slow disk or the rest of a rate limit, the body is paused until the effect has ended.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Encoding from "effect/Encoding"
import * as Exit from "effect/Exit"
import * as FiberId from "effect/FiberId"
import * as Option from "effect/Option"
import { type DownloadError, Mismatch, TooLarge } from "../DownloadError.js"
import type { Hash } from "../Hasher.js"
import { andThen, isExit } from "../internal/andThen.js"
import type { Expected } from "../internal/digest.js"
import * as DigestFields from "../internal/http/digestFields.js"
import { displayUrl } from "../internal/text/displayUrl.js"
import type { Part } from "../Store.js"
import type { Exchange, HeldBy, Receiver, ResponseHead, TransportError, TransportRequest } from "../Transport.js"
import type { Timed } from "./deadlines.js"
import { ExchangeTimes } from "./exchangeTimes.js"
import type { FileTransfer } from "./fileTransfer.js"
import * as LongWait from "./longWait.js"
import type { Hop } from "./redirect.js"
import type { Claim } from "./segments/rangeMap.js"
import type { Task } from "./tasks.js"
import type { RequestTrace, TransferTrace } from "./trace.js"
import type { Phase, Wait } from "./wait.js"

/** The range of the file that a response brings. */
export interface Body {
  readonly part: Part
  readonly claim: Claim
  /** The end of the response's range; infinity if only the end of the body gives it. */
  readonly endBytes: number
}

/** What all responses of an attempt have brought, and for how long they were paused. */
export interface Meter {
  bytes: number
  pausedMillis: number
}

/** The end of an exchange that is given up. */
export const interrupted = Exit.interrupt(FiberId.none)

export abstract class BodyReceiver implements Receiver, Timed {
  place = -1
  /** True if no further bytes of the response are taken. */
  protected isOver = false
  protected body: Body | undefined
  /** Undefined if the speed of the response does not matter. */
  protected meter: Meter | undefined
  protected exchange: Exchange | undefined
  private task: Task | undefined
  private onTaskEnd: (() => void) | undefined
  private readonly origin: string
  /** Whether the exchange counts as one of the connections of the file. */
  private isOpen = false
  /** Undefined if there are no spans. */
  private span: RequestTrace | undefined
  /** Undefined without a listener. */
  private times: ExchangeTimes | undefined
  /** The wait before the request is sent, if there is one. */
  private heldWait: LongWait.LongWait | undefined

  /** The digest of the range in the response, if its head has one. */
  private range: { readonly expected: Expected; readonly hash: Hash } | undefined

  constructor(
    readonly transfer: FileTransfer,
    readonly hop: Hop,
    readonly wait: Wait,
    private readonly isSegment: boolean
  ) {
    this.origin = hop.origin
  }

  abstract onHead(head: ResponseHead): boolean

  /** The response has brought its range, or all that its claim may take. */
  protected abstract received(): void

  /** The exchange or an effect has failed. Called once at most, and after `received` only with a defect. */
  protected abstract failed(exit: Exit.Exit<never, DownloadError>): void

  abstract expire(phase: Phase): void

  /** Runs an effect on a child of the attempt's fiber. */
  protected abstract start<A, E>(effect: Effect.Effect<A, E>, onEnd: (exit: Exit.Exit<A, E>) => void): Task | undefined

  /** Sends the request. Run it uninterruptible. `waitedFrom`: when the wait for its permit began. */
  protected send(request: TransportRequest, offsetBytes: number, waitedFrom: number): Effect.Effect<void> {
    const { events, options, trace } = this.transfer
    this.isOpen = true
    this.transfer.connections++
    if (options.exchanges && events?.hasListener === true) {
      this.times = new ExchangeTimes(this.transfer, request, offsetBytes, waitedFrom)
    }
    const sending = trace === undefined ? this.transfer.transport.send(request, this) : this.sendTraced(trace, request)
    this.transfer.deadlines.add(this)
    return andThen(sending, (exchange) => {
      this.exchange = exchange
      return this.isOver ? exchange.close : Exit.void
    })
  }

  private sendTraced(trace: TransferTrace, request: TransportRequest): Effect.Effect<Exchange> {
    const span = trace.begin(this.hop, request, this.isSegment)
    this.span = span
    return span.parentOf(this.transfer.transport.send(span.withParent(request), this))
  }

  /** Ends the time limits and the exchange. May be run several times. */
  get close(): Effect.Effect<void> {
    this.isOver = true
    this.exchanged(interrupted)
    this.transfer.deadlines.remove(this)
    return this.exchange?.close ?? Exit.void
  }

  onInformational(): void {
    this.wait.extendHeaders(this.transfer.now())
  }

  onHeld(isHeld: boolean, by: HeldBy = "descriptor"): void {
    const now = this.transfer.now()
    this.heldWait?.over()
    // While a segment is held, others may bring bytes of the file.
    this.heldWait =
      isHeld && !this.isSegment ? LongWait.begin(this.transfer.waitTimer, this.transfer, this.origin, by) : undefined
    this.wait.holdHeaders(isHeld, now)
    this.times?.onHeld(isHeld, now)
  }

  protected count(chunk: Uint8Array): void {
    if (this.times !== undefined) {
      this.times.bytes += chunk.length
    }
  }

  /** Starts the wait for the body. Returns the time. */
  protected beginBody(head: ResponseHead): number {
    const now = this.transfer.now()
    this.wait.beginBody(now)
    this.times?.onHead(head, now)
    this.span?.answered(head.status)
    return now
  }

  /** Sends the event of the exchange, and ends its span. The first call counts. */
  protected exchanged(exit: Exit.Exit<unknown, DownloadError>): void {
    const { exchange, span, times, transfer } = this
    if (!this.isOpen) {
      return
    }
    this.isOpen = false
    this.heldWait?.end()
    transfer.connections--
    span?.end(exit, exchange?.connection)
    if (times !== undefined) {
      const error = Exit.isFailure(exit) ? Option.getOrUndefined(Cause.failureOption(exit.cause)) : undefined
      transfer.events?.send(times.ended(exchange?.connection, error))
    }
  }

  onChunk(chunk: Uint8Array): boolean {
    const { body } = this
    return body !== undefined && this.orFail(() => this.take(body, chunk))
  }

  onEnd(exit: Exit.Exit<void, TransportError>): void {
    this.orFail(() => (Exit.isFailure(exit) ? this.fail(Exit.failCause(exit.cause)) : this.end()))
  }

  /** Heeds what each response says about its origin. */
  protected heed(head: ResponseHead): void {
    const { hop, transfer, wait } = this
    const heeding = transfer.heed(hop, head, wait.beganAt)
    if (heeding !== Exit.void) {
      // Uninterruptible, because the response may end before another machine knows of the pause.
      this.start(isExit(heeding) ? heeding : Effect.uninterruptible(heeding), (exit) => {
        if (Exit.isFailure(exit)) {
          this.fail(Exit.failCause(exit.cause))
        }
      })
    }
  }

  /** Checks the bytes of the response against the digest of its range, if it has one. Call it when the head is accepted. */
  protected expectRange(head: ResponseHead): void {
    const expected = DigestFields.ofRange(head)
    this.range = expected && { expected, hash: this.transfer.partial.hasher.make(expected.algorithm) }
  }

  /** The error if all bytes of a response were received and are not those of its digest. They are requested again. */
  protected wrongRange({ claim, endBytes }: Body): Mismatch | undefined {
    // The bytes after the end of the claim are not read. Then the digest proves nothing.
    if (this.range === undefined || claim.nextBytes !== endBytes) {
      return undefined
    }
    const { algorithm, digests } = this.range.expected
    const actual = Encoding.encodeHex(this.range.hash.digest())
    this.range = undefined
    if (digests.includes(actual)) {
      return undefined
    }
    this.transfer.partial.refuseBytes(claim)
    return new Mismatch({
      url: displayUrl(this.hop.href),
      reason: "digest",
      expected: `${algorithm}:${digests.join(" or ")}`,
      actual: `${algorithm}:${actual}`,
      resumed: true
    })
  }

  /** Takes no more bytes, and then calls `next` when no effect of a chunk is under way. */
  protected stop(next: () => void): void {
    this.isOver = true
    if (this.task === undefined) {
      next()
    } else {
      this.onTaskEnd = next
      this.task.interrupt()
    }
  }

  protected fail(exit: Exit.Exit<never, DownloadError>): false {
    if (!this.isOver) {
      this.isOver = true
      this.failed(exit)
    }
    return false
  }

  /** Calls `next` with the value of an effect, at once if it has ended. The body is paused until then. */
  protected after<A>(effect: Effect.Effect<A, DownloadError>, next: (value: A) => boolean): boolean {
    if (this.isOver) {
      // The governor has asked for the permit while it counted the bytes of the chunk. Its memory may be used again.
      return false
    }
    if (isExit(effect)) {
      return Exit.isSuccess(effect) ? next(effect.value) : this.fail(Exit.failCause(effect.cause))
    }
    const { meter, wait } = this
    const beganAt = this.transfer.now()
    wait.isPaused = true
    this.task = this.start(effect, (exit) => {
      const pausedMillis = this.transfer.now() - beganAt
      this.task = undefined
      wait.isPaused = false
      wait.windowAt += pausedMillis
      if (meter !== undefined) {
        meter.pausedMillis += pausedMillis
      }
      if (this.isOver) {
        this.onTaskEnd?.()
      } else if (Exit.isFailure(exit)) {
        this.fail(Exit.failCause(exit.cause))
      } else if (this.orFail(() => next(exit.value))) {
        this.exchange?.resume()
      }
    })
    return false
  }

  /** A defect of a store, a hasher or a governor fails the transfer, and not the event loop. */
  protected orFail(act: () => boolean): boolean {
    if (this.isOver) {
      return false
    }
    try {
      return act()
    } catch (defect) {
      this.isOver = true
      this.failed(Exit.die(defect))
      return false
    }
  }

  private end(): false {
    this.isOver = true
    this.received()
    this.exchanged(Exit.void)
    return false
  }

  private take({ claim, endBytes, part }: Body, chunk: Uint8Array): boolean {
    const { meter, transfer, wait } = this
    const { partial } = transfer
    wait.windowBytes += chunk.length
    this.count(chunk)
    const leftBytes = this.leftFor(claim, endBytes, chunk.length)
    const taken = chunk.length > leftBytes ? chunk.subarray(0, leftBytes) : chunk
    const bytes = claim.nextBytes + taken.length
    if (bytes > partial.limitBytes) {
      const { limitBytes } = partial
      return this.fail(Exit.fail(new TooLarge({ url: displayUrl(this.hop.href), limitBytes, bytes })))
    }
    this.range?.hash.update(taken)
    const writing = taken.length === 0 ? Exit.void : partial.write(part, claim, taken)
    if (partial.receivedBytes >= transfer.checkpoints.dueBytes) {
      this.checkpoint(part)
    }
    const restMillis = transfer.governor.restMillis(this.origin, chunk.length)
    if (meter !== undefined) {
      meter.bytes += taken.length
      // A response that rests for the byte rate is not silent.
      claim.activeAt = transfer.now() + restMillis
    }
    const pause = restMillis === 0 ? writing : Effect.zipLeft(writing, Effect.sleep(restMillis))
    transfer.sampler.sample()
    return this.after(isExit(pause) ? pause : Effect.interruptible(pause), () => {
      // Bytes after the end of the claim are not read. Another claim may have taken its end during the pause.
      const isAtEnd = claim.nextBytes === claim.endBytes && claim.endBytes < endBytes
      const isPastEnd = chunk.length > leftBytes || (isAtEnd && partial.ranges.next(claim, endBytes) === undefined)
      return !isPastEnd || this.end()
    })
  }

  /** Takes a checkpoint beside the body, if it is time for one. */
  private checkpoint(part: Part): void {
    const checkpoint = this.transfer.checkpoints.next(part)
    if (checkpoint !== undefined) {
      this.start(checkpoint, (exit) => {
        // The end of the attempt interrupts a checkpoint that waits.
        if (Exit.isFailure(exit) && !Exit.isInterrupted(exit)) {
          this.fail(Exit.failCause(exit.cause))
        }
      })
    }
  }

  // Another claim may have taken the end of this one, or the bytes after its end may be free again.
  private leftFor(claim: Claim, endBytes: number, chunkBytes: number): number {
    const leftBytes = claim.endBytes - claim.nextBytes
    return chunkBytes >= leftBytes && claim.endBytes < endBytes && this.transfer.partial.ranges.extend(claim, endBytes)
      ? claim.endBytes - claim.nextBytes
      : leftBytes
  }
}
