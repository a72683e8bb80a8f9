/**
 * One attempt at one hop: send, check the head, receive, check the content.
 *
 * An attempt is an object that the transport calls. Its fiber waits in `run`, and continues when the attempt has ended.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import type { Verification } from "../Download.js"
import { type DownloadError, Protocol } from "../DownloadError.js"
import { andThen } from "../internal/andThen.js"
import { contentLength } from "../internal/http/contentLength.js"
import { displayUrl } from "../internal/text/displayUrl.js"
import type { Permit } from "../OriginGovernor.js"
import { isTransient } from "../RetryPolicy.js"
import type { Part } from "../Store.js"
import type { ResponseHead } from "../Transport.js"
import { checkContent, truncated } from "./contentCheck.js"
import type { FileTransfer } from "./fileTransfer.js"
import type { Restore } from "./hooks.js"
import type { Unchanged } from "./localFile.js"
import { type Body, BodyReceiver, interrupted } from "./receiveBody.js"
import * as Redirect from "./redirect.js"
import { type Answer, isAnswer, isEnd, judge } from "./responseCheck.js"
import { leastProgress } from "./retryCount.js"
import { isDivisible } from "./segments/isDivisible.js"
import { SegmentWorkers } from "./segments/segmentWorkers.js"
import { statusError } from "./statusError.js"
import { type Task, Tasks } from "./tasks.js"
import { transportRequest } from "./transportRequest.js"
import type { Phase, Wait } from "./wait.js"

export interface Received {
  readonly _tag: "Received"
  readonly part: Part
  readonly bytes: number
  readonly verified: Verification
}

export type Result = Received | { readonly _tag: "Redirected"; readonly to: Redirect.Hop } | Unchanged

// A short body of an error or a redirect is read to its end, so that the connection can be reused.
const drainLimitBytes = 64 * 1024
const drainLimitMillis = 250

/** A body that is read and dropped. */
interface Drain {
  bytes: number
  /** The time limit of the attempt. */
  readonly totalAt: number
  readonly end: () => void
}

export class Attempt extends BodyReceiver {
  private readonly tasks = new Tasks<Result, DownloadError>()
  private readonly beganAt: number
  private offsetBytes = 0
  private isConditional = false
  private answer: Answer | undefined
  private drain: Drain | undefined
  private segments: SegmentWorkers | undefined

  constructor(
    transfer: FileTransfer,
    hop: Redirect.Hop,
    wait: Wait,
    /** The permit that the attempt holds. */
    readonly permit: Permit,
    /** When the wait for the permit began. */
    private readonly waitedFrom: number
  ) {
    super(transfer, hop, wait, false)
    this.beganAt = wait.beganAt
  }

  /** Runs the attempt to its end, and then `next`. Run it uninterruptible; `restore` makes its wait interruptible. */
  run<A, E>(
    restore: Restore,
    next: (exit: Exit.Exit<Result, DownloadError>) => Effect.Effect<A, E>
  ): Effect.Effect<A, E> {
    const { hop, transfer, wait } = this
    const { digest, sizeBytes } = transfer.request
    const { offsetBytes, range } = transfer.partial.resumeAt(hop)
    const verifiesBody = digest !== undefined || sizeBytes !== undefined
    this.offsetBytes = offsetBytes
    const condition = range === undefined ? transfer.local?.headersFor(hop) : undefined
    this.isConditional = condition !== undefined
    const { connectMillis } = wait.limits
    const request = transportRequest(transfer, hop, { condition, connectMillis, range, verifiesBody })
    const work = andThen(this.send(request, offsetBytes, this.waitedFrom), () => restore(this.tasks.run))
    return Effect.matchCauseEffect(work, {
      onSuccess: (result) => andThen(this.close, () => next(Exit.succeed(result))),
      onFailure: (cause) => andThen(this.close, () => next(Exit.failCause(cause)))
    })
  }

  onHead(head: ResponseHead): boolean {
    return this.orFail(() => {
      this.beginBody(head)
      this.transfer.responded(this.hop, head)
      this.transfer.reachability.onAnswer(this.hop.origin)
      this.heed(head)
      if (Redirect.isRedirect(head.status)) {
        return this.redirected(head)
      }
      if (head.status === 304 && this.isConditional) {
        return this.notModified(head)
      }
      return isAnswer(head.status, this.offsetBytes) ? this.accepted(head) : this.refused(head)
    })
  }

  override onChunk(chunk: Uint8Array): boolean {
    const { drain } = this
    if (drain === undefined || this.isOver) {
      return super.onChunk(chunk)
    }
    drain.bytes += chunk.length
    this.count(chunk)
    return drain.bytes <= drainLimitBytes || this.drained(drain)
  }

  expire(phase: Phase): void {
    if (this.drain !== undefined && phase === "total") {
      const { drain } = this
      this.orFail(() => this.drained(drain))
    } else {
      this.failed(Exit.fail(this.transfer.timedOut(this.hop, phase, this.wait)))
    }
  }

  /** Ends the attempt. The first call counts. */
  finish(exit: Exit.Exit<Result, DownloadError>): false {
    this.isOver = true
    this.exchanged(exit)
    this.tasks.end(exit)
    return false
  }

  /** True if its own response has failed, and mirrors have brought the rest. */
  get hasFailed(): boolean {
    return this.segments?.hasFailed === true
  }

  /** All bytes are in the part. */
  complete(part: Part): void {
    const { hop, transfer } = this
    const { partial } = transfer
    this.exchanged(Exit.void)
    this.start(partial.readBack(part), (exit) => {
      if (Exit.isFailure(exit)) {
        this.finish(Exit.failCause(exit.cause))
        return
      }
      const checked = orDie(() => checkContent(transfer, hop))
      this.finish(Exit.map(checked, (verified): Result => ({ _tag: "Received", part, bytes: partial.bytes, verified })))
    })
  }

  /** Continues with a new request for the URL of the download: the rest needs a permit, and a redirect that is valid now. */
  requestRest(): void {
    this.finish(Exit.succeed({ _tag: "Redirected", to: this.transfer.firstHop }))
  }

  /** Ends the own response, and calls `next` when its exchange is closed. */
  endResponse(next: () => void): void {
    if (!this.isOver) {
      // Segments have taken over the rest of a response that does not end.
      this.exchanged(interrupted)
    }
    this.stop(() => this.start(this.exchange?.close ?? Exit.void, next))
  }

  start<A, E>(effect: Effect.Effect<A, E>, onEnd: (exit: Exit.Exit<A, E>) => void): Task | undefined {
    return this.tasks.start(effect, onEnd)
  }

  override get close(): Effect.Effect<void> {
    this.isOver = true
    const closeSegments = this.segments?.close ?? Exit.void
    return andThen(this.tasks.close, () =>
      andThen(closeSegments, () =>
        andThen(super.close, () => {
          if (this.body !== undefined) {
            this.transfer.partial.ranges.release(this.body.claim)
          }
          return Exit.void
        })
      )
    )
  }

  protected received(): void {
    const wrong = this.body === undefined ? undefined : this.wrongRange(this.body)
    if (wrong !== undefined) {
      this.finish(Exit.fail(wrong))
    } else if (this.drain !== undefined) {
      this.drained(this.drain)
    } else if (this.segments !== undefined) {
      this.segments.onResponseEnd()
    } else if (this.answer !== undefined && this.body !== undefined) {
      this.concluded(this.answer, this.body)
    }
  }

  protected failed(exit: Exit.Exit<never, DownloadError>): void {
    if (this.drain !== undefined) {
      this.drained(this.drain)
      return
    }
    this.exchanged(exit)
    if (this.segments?.goesOn(exit) !== true) {
      this.finish(exit)
    } else if (this.place === -1) {
      // One of the limits has expired. The others still apply.
      this.transfer.deadlines.add(this)
    }
  }

  private redirected(head: ResponseHead): boolean {
    const to = Redirect.next(this.hop, head)
    if (Either.isLeft(to)) {
      return this.fail(Exit.fail(to.left))
    }
    const end = () => this.finish(Exit.succeed({ _tag: "Redirected", to: to.right }))
    return contentLength(head.headers) === undefined ? end() : this.drainThen(head, end)
  }

  private refused(head: ResponseHead): boolean {
    const { hop, transfer } = this
    const { partial } = transfer
    const error = statusError(hop, head, transfer.clock.unsafeCurrentTimeMillis())
    if (this.offsetBytes === 0 || isTransient(error)) {
      // Told before the rest of the response is read, which may take some time.
      return this.after(transfer.cool(hop.origin, error, this.beganAt), () =>
        this.drainThen(head, () => this.finish(Exit.fail(error)))
      )
    }
    return this.drainThen(head, () => {
      if (partial.part !== undefined && isEnd(partial, head)) {
        partial.acceptRange(partial.bytes, head, hop)
        this.complete(partial.part)
      } else {
        // The server may refuse only the range.
        partial.refuseRange()
        const url = displayUrl(hop.href)
        this.finish(Exit.fail(new Protocol({ url, reason: "range", detail: `${head.status}` })))
      }
    })
  }

  private accepted(head: ResponseHead): boolean {
    const { hop, offsetBytes, transfer } = this
    const { partial } = transfer
    const answer = judge(transfer, hop, head, offsetBytes)
    if (Either.isLeft(answer)) {
      if (offsetBytes > 0) {
        partial.refuseRange()
      }
      return this.fail(Exit.fail(answer.left))
    }
    return transfer.isNamed
      ? this.compared(head, answer.right)
      : this.after(transfer.named(head), (unchanged) =>
          unchanged === undefined ? this.compared(head, answer.right) : this.leave(head, unchanged)
        )
  }

  /** Receives the body, unless the file at the destination is the same. */
  private compared(head: ResponseHead, answer: Answer): boolean {
    const { hop, transfer } = this
    const unchanged = transfer.local?.sameAs(head, answer.totalBytes, hop, this.isConditional)
    return unchanged === undefined ? this.begin(head, answer) : this.leave(head, unchanged)
  }

  private notModified(head: ResponseHead): boolean {
    const { hop, transfer } = this
    const unchanged = transfer.local?.notModified(head.headers, hop)
    // It has no body, whatever its Content-Length says (RFC 9110 §15.4.5).
    return this.drainBody(0, () =>
      unchanged === undefined ? this.requestRest() : this.finish(Exit.succeed(unchanged))
    )
  }

  private leave(head: ResponseHead, unchanged: Unchanged): boolean {
    return this.drainThen(head, () => this.finish(Exit.succeed(unchanged)))
  }

  private begin(head: ResponseHead, answer: Answer): boolean {
    const { hop, offsetBytes, transfer } = this
    const { partial } = transfer
    if (answer.startBytes > 0 && partial.part !== undefined) {
      partial.acceptRange(answer.totalBytes, head, hop)
      this.expectRange(head)
      return this.reserve(head, answer, partial.part)
    }
    if (transfer.delivery?.mayStartOver(head, hop) === false) {
      const detail = `another version, and ${transfer.delivery.bytes} bytes are delivered already`
      return this.fail(Exit.fail(new Protocol({ url: displayUrl(hop.href), reason: "inconsistent", detail })))
    }
    transfer.mirrors.onEmptied()
    return this.after(partial.startOver(transfer.store), (part) => {
      partial.accept(head, answer, hop)
      partial.isResumed ||= offsetBytes > 0
      return this.reserve(head, answer, part)
    })
  }

  /** Receives the body if the disk has room for it. */
  private reserve(head: ResponseHead, answer: Answer, part: Part): boolean {
    const { totalBytes } = this.transfer.partial
    return totalBytes === undefined
      ? this.receive(head, answer, part)
      : this.after(part.reserve(totalBytes), () => this.receive(head, answer, part))
  }

  private receive(head: ResponseHead, answer: Answer, part: Part): true {
    const { startBytes, endBytes } = answer
    const { partial, segments } = this.transfer
    const claim =
      endBytes === undefined
        ? partial.ranges.claim(startBytes, Number.POSITIVE_INFINITY)
        : partial.ranges.claimFirst(startBytes, endBytes)
    const body = { part, claim, endBytes: endBytes ?? Number.POSITIVE_INFINITY }
    this.answer = answer
    this.body = body
    if (segments !== undefined && (isDivisible(partial, head, body, segments) || partial.ranges.hasBeyond(claim))) {
      this.meter = { bytes: 0, pausedMillis: 0 }
      this.segments = new SegmentWorkers(this, head, body, this.meter, segments)
    }
    return true
  }

  /** The response has ended, and there are no segments. */
  private concluded({ endBytes, startBytes }: Answer, { claim, part }: Body): void {
    const { hop, transfer } = this
    const { partial, request } = transfer
    const { bytes, totalBytes } = partial
    if (startBytes === 0 && endBytes === undefined && bytes !== (totalBytes ?? bytes)) {
      partial.forget()
      const detail = `${bytes} bytes, not ${totalBytes}, with the same validator`
      this.finish(Exit.fail(new Protocol({ url: displayUrl(hop.href), reason: "inconsistent", detail })))
    } else if (startBytes === 0 || bytes >= (totalBytes ?? request.sizeBytes ?? Number.POSITIVE_INFINITY)) {
      this.complete(part)
    } else if (claim.doneBytes === endBytes && claim.doneBytes - startBytes >= leastProgress(partial)) {
      // A server may send less than the requested range (RFC 9110 §15.3.7). Only the total shows the end of the file.
      this.requestRest()
    } else {
      this.finish(Exit.fail(truncated(partial, hop)))
    }
  }

  /** Reads a short body to its end, at most for a moment, and then calls `end`. */
  private drainThen(head: ResponseHead, end: () => void): boolean {
    return this.drainBody(contentLength(head.headers) ?? 0, end)
  }

  private drainBody(lengthBytes: number, end: () => void): boolean {
    const { deadlines } = this.transfer
    if (lengthBytes > drainLimitBytes) {
      end()
      return false
    }
    this.drain = { bytes: 0, totalAt: this.wait.totalAt, end }
    this.wait.totalAt = Math.min(this.wait.totalAt, this.transfer.now() + drainLimitMillis)
    deadlines.remove(this)
    deadlines.add(this)
    return true
  }

  private drained({ end, totalAt }: Drain): false {
    this.isOver = true
    this.drain = undefined
    this.wait.totalAt = totalAt
    end()
    return false
  }
}

const orDie = <A, E>(act: () => Either.Either<A, E>): Exit.Exit<A, E> => {
  try {
    return Either.match(act(), { onLeft: Exit.fail, onRight: Exit.succeed })
  } catch (defect) {
    return Exit.die(defect)
  }
}
