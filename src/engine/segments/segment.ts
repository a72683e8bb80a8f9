/**
 * The request for one segment of a file, and its response.
 *
 * @internal
 */
import type * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as FiberId from "effect/FiberId"
import { type DownloadError, Protocol } from "../../DownloadError.js"
import { displayUrl } from "../../internal/text/displayUrl.js"
import type { Part } from "../../Store.js"
import type { ResponseHead } from "../../Transport.js"
import { truncated } from "../contentCheck.js"
import type { FileTransfer } from "../fileTransfer.js"
import { BodyReceiver, type Meter } from "../receiveBody.js"
import * as Redirect from "../redirect.js"
import { judge } from "../responseCheck.js"
import { statusError } from "../statusError.js"
import type { Task } from "../tasks.js"
import { transportRequest } from "../transportRequest.js"
import type { Phase, Wait } from "../wait.js"
import type { Source } from "./mirrors.js"
import type { Claim } from "./rangeMap.js"

/** What a segment uses of the attempt. */
export interface SegmentOwner {
  readonly transfer: FileTransfer
  readonly meter: Meter
  readonly part: Part
  /** The response of a segment has begun, and is accepted. */
  readonly onAnswer: () => void
  /** Runs an effect on a child of the attempt's fiber. */
  readonly start: <A, E>(effect: Effect.Effect<A, E>, onEnd: (exit: Exit.Exit<A, E>) => void) => Task | undefined
}

export class Segment extends BodyReceiver {
  readonly beganAt: number
  /** The URL to which a mirror has redirected the request. */
  redirectedTo: Redirect.Hop | undefined
  /** The end of the claim when the head arrived. */
  private wantedEndBytes = 0
  private responseEndBytes = 0
  private isEnded = false

  constructor(
    private readonly owner: SegmentOwner,
    private readonly source: Source,
    /** The URL for whose origin the worker has a permit. */
    hop: Redirect.Hop,
    readonly claim: Claim,
    wait: Wait,
    /** Called when the exchange is closed. */
    private readonly onClose: (exit: Exit.Exit<void, DownloadError>) => void
  ) {
    super(owner.transfer, hop, wait, true)
    this.beganAt = wait.beganAt
    this.meter = owner.meter
  }

  /** Sends the request. */
  begin(): void {
    const { claim, hop, transfer, wait } = this
    const range = `bytes=${claim.nextBytes}-${claim.endBytes - 1}`
    // The requested range is the expected size of the body.
    const request = transportRequest(transfer, hop, {
      connectMillis: wait.limits.connectMillis,
      range,
      condition: undefined,
      verifiesBody: true,
      isMirror: this.source.isMirror
    })
    this.after(this.send(request, claim.nextBytes, this.beganAt), () => false)
  }

  /** Gives up the response. */
  abort(): void {
    this.finish(Exit.interrupt(FiberId.none))
  }

  onHead(head: ResponseHead): boolean {
    return this.orFail(() => {
      const { claim, hop, owner, source, transfer } = this
      const now = this.beginBody(head)
      const url = displayUrl(hop.href)
      this.heed(head)
      transfer.responded(hop, head)
      transfer.reachability.onAnswer(hop.origin)
      if (source.isMirror && Redirect.isRedirect(head.status)) {
        return this.redirected(head)
      }
      if (head.status >= 400 && head.status !== 416) {
        return this.fail(Exit.fail(statusError(hop, head, transfer.clock.unsafeCurrentTimeMillis())))
      }
      if (head.status !== 206) {
        return this.fail(Exit.fail(new Protocol({ url, reason: "range", detail: `${head.status}` })))
      }
      const answer = judge(transfer, hop, head, claim.nextBytes, source.isMirror)
      if (Either.isLeft(answer)) {
        return this.fail(Exit.fail(answer.left))
      }
      this.responseEndBytes = answer.right.endBytes ?? claim.nextBytes
      this.wantedEndBytes = claim.endBytes
      this.body = { part: owner.part, claim, endBytes: this.responseEndBytes }
      this.expectRange(head)
      claim.activeAt = now
      claim.answeredAt = now
      claim.endBytes = Math.min(claim.endBytes, this.responseEndBytes)
      transfer.partial.isResumed = true
      source.answerMillis = now - this.beganAt
      source.isProven = true
      if (source.isMirror) {
        transfer.mirrors.onMixed()
      }
      owner.onAnswer()
      return true
    })
  }

  expire(phase: Phase): void {
    this.fail(Exit.fail(this.transfer.timedOut(this.hop, phase, this.wait)))
  }

  private redirected(head: ResponseHead): false {
    const to = Redirect.next(this.hop, head)
    if (Either.isLeft(to)) {
      return this.fail(Exit.fail(to.left))
    }
    this.redirectedTo = to.right
    this.isOver = true
    this.finish(Exit.void)
    return false
  }

  protected start<A, E>(effect: Effect.Effect<A, E>, onEnd: (exit: Exit.Exit<A, E>) => void): Task | undefined {
    return this.owner.start(effect, onEnd)
  }

  protected received(): void {
    const { claim, responseEndBytes, wantedEndBytes } = this
    const wrong = this.body === undefined ? undefined : this.wrongRange(this.body)
    if (wrong !== undefined) {
      this.finish(Exit.fail(wrong))
      return
    }
    const isShort = responseEndBytes < wantedEndBytes || claim.nextBytes < claim.endBytes
    this.finish(isShort ? Exit.fail(truncated(this.transfer.partial, this.hop)) : Exit.void)
  }

  protected failed(exit: Exit.Exit<never, DownloadError>): void {
    this.finish(exit)
  }

  private finish(exit: Exit.Exit<void, DownloadError>): void {
    if (this.isEnded) {
      return
    }
    this.isEnded = true
    this.exchanged(exit)
    this.stop(() => this.start(this.close, () => this.onClose(exit)))
  }
}
