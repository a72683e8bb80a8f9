/**
 * Several connections for one file, if one connection is slow.
 *
 * An attempt begins with one response. From time to time its speed is measured. If the rest would take long, the rest is
 * divided into segments. Each segment is a request with its own connection and its own permit. A worker takes a permit only
 * if it is idle, and releases it when another transfer waits for it. A worker that has received its segment takes half of
 * the largest rest. The bytes that a failed segment has not brought are a hole again, and other workers receive them.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type { DownloadError } from "../../DownloadError.js"
import type { Permit } from "../../OriginGovernor.js"
import type { Part } from "../../Store.js"
import type { ResponseHead } from "../../Transport.js"
import { truncated } from "../contentCheck.js"
import type { FileTransfer } from "../fileTransfer.js"
import type { PartialFile } from "../partialFile.js"
import type { Body, Meter } from "../receiveBody.js"
import type { Hop } from "../redirect.js"
import type { Task } from "../tasks.js"
import { Wait } from "../wait.js"
import type { Claim } from "./rangeMap.js"
import { Segment, type SegmentOwner } from "./segment.js"
import type { SegmentRule } from "./segmentRule.js"

// A connection that is faster than this is limited by the machine or the network, and more connections seldom help.
const fastBytesPerMilli = (256 * 1024 * 1024) / 1000

// If more than this is left, the first measurement comes sooner.
const longBytes = 64 * 1024 * 1024

// After this number of failed segments, a transfer begins no more of them.
const failuresAtMost = 3

/** The attempt that the segments belong to. */
export interface Owner {
  readonly transfer: FileTransfer
  readonly hop: Hop
  readonly wait: Wait
  readonly permit: Permit
  readonly start: <A, E>(effect: Effect.Effect<A, E>, onEnd: (exit: Exit.Exit<A, E>) => void) => Task | undefined
  /** Ends the attempt's own response, and calls `next` when its exchange is closed. */
  readonly endResponse: (next: () => void) => void
  /** All bytes are in the part. */
  readonly complete: (part: Part) => void
  /** The attempt has no permit for the rest, or the URL to which it was redirected refuses it. */
  readonly requestRest: () => void
  readonly finish: (exit: Exit.Exit<never, DownloadError>) => void
}

interface Worker {
  permit: Permit | undefined
  segment: Segment | undefined
  /** True if another transfer waits for the permit. */
  isWanted: boolean
}

/** Whether the body of a response can be divided into segments. */
export const isDivisible = (
  { coding, isGuarded, totalBytes }: PartialFile,
  { headers }: ResponseHead,
  { claim, endBytes }: Body,
  { leastBytes }: SegmentRule
): boolean =>
  totalBytes !== undefined &&
  isGuarded &&
  headers["accept-ranges"]?.trim().toLowerCase() !== "none" &&
  coding === "" &&
  Number.isFinite(endBytes) &&
  Math.min(endBytes, claim.endBytes) - claim.nextBytes >= 2 * leastBytes

export class SegmentWorkers implements SegmentOwner {
  readonly transfer: FileTransfer
  readonly hop: Hop
  readonly part: Part
  private readonly workers = new Set<Worker>()
  /** The worker with the permit of the attempt. It works when the response of the attempt has ended. */
  private readonly own: Worker
  private response: "open" | "ended" | "closing" | "closed" = "open"
  private isOver = false
  /** True if the server has shown that it supports ranges. Until then, one segment is enough to find out. */
  private isProven: boolean
  /** True if a segment of the own worker has failed. It requests no more segments. */
  private isRefused = false
  /** The time that the head of the latest segment has taken. */
  private answerMillis = 0

  constructor(
    private readonly owner: Owner,
    head: ResponseHead,
    private readonly body: Body,
    readonly meter: Meter,
    private readonly rule: SegmentRule
  ) {
    this.transfer = owner.transfer
    this.hop = owner.hop
    this.part = body.part
    this.own = { permit: owner.permit, segment: undefined, isWanted: false }
    this.isProven = head.status === 206 || head.headers["accept-ranges"]?.trim().toLowerCase() === "bytes"
    this.measure(rule.measureMillis / (this.leftBytes >= longBytes ? 3 : 1))
  }

  start<A, E>(effect: Effect.Effect<A, E>, onEnd: (exit: Exit.Exit<A, E>) => void): Task | undefined {
    return this.owner.start(effect, onEnd)
  }

  onAnswer(answerMillis: number): void {
    this.answerMillis = answerMillis
    this.isProven = true
  }

  /** Call it when the response of the attempt has ended. */
  onResponseEnd(): void {
    this.response = "ended"
    this.proceed()
  }

  /** Closes all exchanges, and releases all permits but that of the attempt. */
  get close(): Effect.Effect<void> {
    // At once: until the effect is run, no worker begins another segment.
    this.isOver = true
    return Effect.suspend(() => {
      const all = [this.own, ...this.workers]
      this.workers.clear()
      return Effect.forEach(all, (worker) => this.closeWorker(worker), { concurrency: "unbounded", discard: true })
    })
  }

  private closeWorker(worker: Worker): Effect.Effect<void> {
    const { segment } = worker
    return Effect.ensuring(
      segment?.close ?? Effect.void,
      Effect.sync(() => {
        if (segment !== undefined) {
          this.ranges.release(segment.claim)
        }
        if (worker !== this.own) {
          worker.permit?.release()
        }
      })
    )
  }

  private get partial(): PartialFile {
    return this.owner.transfer.partial
  }

  private get ranges(): PartialFile["ranges"] {
    return this.partial.ranges
  }

  private get leftBytes(): number {
    return (this.partial.totalBytes ?? 0) - this.partial.bytes
  }

  /** Measures the connections for this time, begins segments if they are slow, and measures again. */
  private measure(millis: number): void {
    const { leastBytes, measureMillis } = this.rule
    const before = { ...this.meter, at: this.owner.transfer.now() }
    // The last millisecond is a sleep of its own: bytes that arrived while this process stood still are received first.
    const sleep = Effect.zipRight(Effect.sleep(Math.max(1, millis - 1)), Effect.sleep(1))
    this.start(Effect.interruptible(sleep), (exit) => {
      const { leftBytes } = this
      const isOver = this.isOver || Exit.isFailure(exit)
      if (isOver || this.partial.failedSegments >= failuresAtMost || leftBytes < 2 * leastBytes) {
        return
      }
      if (this.isSlow(before, leftBytes)) {
        this.divide()
      }
      this.measure(Math.min(millis * 2, 8 * measureMillis))
    })
  }

  private isSlow(before: Meter & { readonly at: number }, leftBytes: number): boolean {
    const connections = 1 + this.workers.size
    const millis =
      connections * (this.owner.transfer.now() - before.at) - (this.meter.pausedMillis - before.pausedMillis)
    const bytesPerMilli = (this.meter.bytes - before.bytes) / Math.max(1, millis)
    return bytesPerMilli < fastBytesPerMilli && leftBytes > connections * bytesPerMilli * this.rule.worthMillis
  }

  /** Begins as many segments as there are idle permits and shares. */
  private divide(): void {
    const { connectionsAtMost, leastBytes } = this.rule
    const most = Math.min(connectionsAtMost - 1, this.isProven ? connectionsAtMost : 1) - this.workers.size
    if (this.body.claim.nextBytes === 0) {
      return
    }
    const room = this.ranges.room(most, leastBytes)
    const hired: Array<Worker> = []
    while (hired.length < room) {
      const worker = this.hire()
      if (worker === undefined) {
        break
      }
      hired.push(worker)
    }
    const claims = this.ranges.split(hired.length, leastBytes)
    hired.forEach((worker, index) => {
      const claim = claims[index]
      if (claim === undefined) {
        this.dismiss(worker)
      } else {
        this.begin(worker, claim)
      }
    })
  }

  private hire(): Worker | undefined {
    const { hop, transfer } = this.owner
    const worker: Worker = { permit: undefined, segment: undefined, isWanted: false }
    const onWanted = (): void => {
      worker.isWanted = true
      worker.segment?.abort()
    }
    worker.permit = transfer.governor.tryAcquireIdle(hop.origin, onWanted, transfer.permitOptions)
    if (worker.permit === undefined) {
      return undefined
    }
    this.workers.add(worker)
    return worker
  }

  private dismiss(worker: Worker): void {
    this.workers.delete(worker)
    worker.permit?.release()
    this.proceed()
  }

  private begin(worker: Worker, claim: Claim): void {
    const { transfer, wait } = this.owner
    if (claim.nextBytes >= claim.endBytes || worker.isWanted) {
      this.ranges.release(claim)
      this.continue(worker)
      return
    }
    const segmentWait = new Wait(wait.limits, transfer.now(), wait.totalAt, wait.deadlineAt)
    const segment = new Segment(this, claim, segmentWait, (exit) => this.onSegmentEnd(worker, segment, exit))
    worker.segment = segment
    segment.begin()
  }

  private onSegmentEnd(worker: Worker, segment: Segment, exit: Exit.Exit<void, DownloadError>): void {
    const { owner, partial } = this
    const { hop, transfer } = owner
    worker.segment = undefined
    this.ranges.release(segment.claim)
    if (Exit.isSuccess(exit)) {
      const report = { signal: "success", beganAtMillis: segment.beganAt } as const
      this.start(transfer.governor.report(hop.origin, report), () => this.continue(worker))
      return
    }
    const error = Option.getOrUndefined(Cause.failureOption(exit.cause))
    if (error === undefined) {
      if (worker !== this.own && Cause.isInterruptedOnly(exit.cause)) {
        this.dismiss(worker)
      } else {
        owner.finish(Exit.failCause(Cause.flatMap(exit.cause, () => Cause.empty)))
      }
      return
    }
    partial.failedSegments++
    if (worker === this.own && isFinal(error)) {
      owner.finish(Exit.fail(error))
      return
    }
    // Reported while the permit is held.
    this.start(transfer.cool(hop.origin, error, segment.beganAt), () => {
      if (worker === this.own) {
        // The URL to which the attempt was redirected may have expired. Other workers may still continue.
        this.isRefused = true
        this.proceed()
      } else {
        this.dismiss(worker)
      }
    })
  }

  /** Begins the next segment of a worker whose segment has ended. */
  private continue(worker: Worker): void {
    if (worker === this.own) {
      this.proceed()
      return
    }
    const isOn = !this.isOver && !worker.isWanted && this.hasMore && worker.permit?.tryReuse() === true
    const claim = isOn ? this.next() : undefined
    if (claim === undefined) {
      this.dismiss(worker)
    } else {
      this.begin(worker, claim)
      this.proceed()
    }
  }

  /** Decides what the attempt does next, after each change of the ranges or of the workers. */
  private proceed(): void {
    const { body, owner, own, ranges } = this
    const { claim, part } = body
    if (this.isOver) {
      return
    }
    if (this.response === "open") {
      // Another worker has taken over the rest of a silent response.
      if (claim.doneBytes === claim.endBytes) {
        this.endResponse()
      }
    } else if (this.response === "ended") {
      if (claim.nextBytes < claim.endBytes) {
        owner.finish(Exit.fail(truncated(this.partial, owner.hop)))
      } else {
        this.endResponse()
      }
    } else if (this.response === "closed") {
      // Each further request has its own time limits.
      owner.wait.isPaused = true
      if (ranges.isWhole) {
        this.start(this.close, () => owner.complete(part))
      } else if (own.segment === undefined) {
        this.proceedAlone()
      }
    }
  }

  private proceedAlone(): void {
    const isMore = this.hasMore
    const next = !this.isRefused && isMore && this.owner.permit.tryReuse() ? this.next() : undefined
    if (next !== undefined) {
      this.begin(this.own, next)
    } else if ((this.isRefused || isMore) && this.workers.size === 0) {
      this.owner.requestRest()
    }
  }

  private endResponse(): void {
    this.response = "closing"
    this.owner.endResponse(() => {
      this.response = "closed"
      this.ranges.release(this.body.claim)
      this.proceed()
    })
  }

  private get hasMore(): boolean {
    return this.ranges.room(1, this.rule.leastTakenBytes) > 0 || this.ranges.silent(this.silentSince) !== undefined
  }

  private next(): Claim | undefined {
    return this.ranges.split(1, this.rule.leastTakenBytes)[0] ?? this.ranges.takeOver(this.silentSince)
  }

  private get silentSince(): number {
    return this.owner.transfer.now() - 2 * this.answerMillis
  }
}

/** Whether an error fails the attempt, although other workers may continue. */
const isFinal = (error: DownloadError): boolean =>
  error._tag === "Disk" ||
  error._tag === "TooLarge" ||
  (error._tag === "Timeout" && (error.phase === "total" || error.phase === "deadline"))
