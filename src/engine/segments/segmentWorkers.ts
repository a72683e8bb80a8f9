/**
 * Several connections for one file, if one connection is slow.
 *
 * An attempt begins with one response. From time to time its speed is measured. If the rest would take long, the rest is
 * divided into segments. Each segment is a request with its own connection and its own permit. A worker takes a permit only
 * if it is idle, and releases it when another transfer waits for it. A worker that has received its segment takes half of
 * the largest rest. The bytes that a failed segment has not brought are a hole again, and other workers receive them.
 *
 * Segments are requested from the server of the attempt and from mirrors, from the one with the fewest connections first. A mirror
 * that fails, or has another version, is given up. If the response of the attempt fails, the mirrors that have answered go on.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type { DownloadError } from "../../DownloadError.js"
import type { Part } from "../../Store.js"
import type { ResponseHead } from "../../Transport.js"
import { truncated } from "../contentCheck.js"
import type { FileTransfer } from "../fileTransfer.js"
import type { PartialFile } from "../partialFile.js"
import type { Body, Meter } from "../receiveBody.js"
import type { Task } from "../tasks.js"
import { Wait } from "../wait.js"
import { Source } from "./mirrors.js"
import { NextClaim } from "./nextClaim.js"
import type { Owner } from "./owner.js"
import type { Claim } from "./rangeMap.js"
import { Segment, type SegmentOwner } from "./segment.js"
import type { SegmentRule } from "./segmentRule.js"
import { closeWorker, type Worker, WorkerSet } from "./workerSet.js"

// A connection that is faster than this is limited by the machine or the network, and more connections seldom help.
const fastBytesPerMilli = (256 * 1024 * 1024) / 1000

// If more than this is left, the first measurement comes sooner.
const longBytes = 64 * 1024 * 1024

// After this number of failed segments, a transfer begins no more of them.
const failuresAtMost = 3

export class SegmentWorkers implements SegmentOwner {
  readonly transfer: FileTransfer
  readonly part: Part
  /** The server of the attempt. */
  private readonly source: Source
  private readonly workers: WorkerSet
  /** The worker with the permit of the attempt. It works when the response of the attempt has ended. */
  private readonly own: Worker
  private response: "open" | "ended" | "closing" | "closed" = "open"
  private isOver = false
  /** Why the response of the attempt has failed, if the mirrors go on. */
  private failure: DownloadError | undefined
  /** True if a segment of the own worker has failed. It requests no more segments. */
  private isRefused = false

  constructor(
    private readonly owner: Owner,
    head: ResponseHead,
    private readonly body: Body,
    readonly meter: Meter,
    private readonly rule: SegmentRule
  ) {
    this.transfer = owner.transfer
    this.part = body.part
    this.workers = new WorkerSet(owner.transfer)
    this.source = new Source(owner.hop, false)
    this.source.isProven = head.status === 206 || head.headers["accept-ranges"]?.trim().toLowerCase() === "bytes"
    this.own = { source: this.source, hop: owner.hop, permit: owner.permit, segment: undefined, isWanted: false }
    body.claim.answeredAt = this.transfer.now()
    this.measure(rule.measureMillis / (this.leftBytes >= longBytes ? 3 : 1))
  }

  start<A, E>(effect: Effect.Effect<A, E>, onEnd: (exit: Exit.Exit<A, E>) => void): Task | undefined {
    return this.owner.start(effect, onEnd)
  }

  onAnswer(): void {
    this.proceed()
  }

  /** Call it when the response of the attempt has ended. */
  onResponseEnd(): void {
    this.response = "ended"
    this.source.measured(this.body.claim, this.transfer.now())
    this.proceed()
  }

  /** Call it when the response of the attempt has failed. Returns whether others receive the rest. */
  goesOn(exit: Exit.Exit<never, DownloadError>): boolean {
    const { body, owner, ranges, transfer } = this
    const error = Exit.isFailure(exit) ? Option.getOrUndefined(Cause.failureOption(exit.cause)) : undefined
    const isHelped = this.workers.all.some(({ segment, source }) => segment !== undefined && source.isHelping)
    const isReceiving = !this.isOver && (this.response === "open" || this.response === "ended")
    if (error === undefined || isFinal(error) || !isReceiving) {
      return false
    }
    // The rest of a silent response was taken over, and was requested.
    const isRelieved = body.claim.doneBytes === body.claim.endBytes && ranges.next(body.claim, body.endBytes)?.from
    if (this.response === "open" && isRelieved) {
      this.endResponse()
      return true
    }
    if (!isHelped) {
      return false
    }
    this.failure = error
    this.response = "closing"
    this.isRefused = true
    this.giveUp(this.source, error)
    // Its other limits still apply.
    owner.wait.isPaused = true
    this.start(transfer.cool(owner.hop.origin, error, owner.wait.beganAt), () => {
      owner.permit.release()
      this.endResponse()
    })
    return true
  }

  /** True if the response of the attempt has failed. */
  get hasFailed(): boolean {
    return this.failure !== undefined
  }

  /** Closes all exchanges, and releases all permits but that of the attempt. */
  get close(): Effect.Effect<void> {
    // At once: until the effect is run, no worker begins another segment.
    this.isOver = true
    return Effect.suspend(() => {
      // The attempt releases the permit of its own worker.
      const all = [{ ...this.own, permit: undefined }, ...this.workers.clear()]
      return Effect.forEach(all, (worker) => closeWorker(worker, this.ranges), {
        concurrency: "unbounded",
        discard: true
      })
    })
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
      if (this.isOver || Exit.isFailure(exit) || this.sources.length === 0) {
        return
      }
      if (this.isSlow(before, leftBytes)) {
        if (leftBytes >= 2 * leastBytes) {
          this.divide()
        } else {
          this.relieve()
        }
      }
      this.measure(Math.min(millis * 2, 8 * measureMillis))
    })
  }

  private isSlow(before: Meter & { readonly at: number }, leftBytes: number): boolean {
    const { connections } = this
    const millis =
      connections * (this.owner.transfer.now() - before.at) - (this.meter.pausedMillis - before.pausedMillis)
    const bytesPerMilli = (this.meter.bytes - before.bytes) / Math.max(1, millis)
    return bytesPerMilli < fastBytesPerMilli && leftBytes > connections * bytesPerMilli * this.rule.worthMillis
  }

  private get connections(): number {
    return (this.hasFailed ? 0 : 1) + this.workers.size
  }

  /** The servers that may bring segments, that with the fewest connections first. */
  private get sources(): ReadonlyArray<Source> {
    const { partial, source, transfer } = this
    const isUsable = partial.failedSegments < failuresAtMost && !source.isGivenUp
    const mirrors = transfer.mirrors.forSegments(partial, transfer.reachability)
    // The response of the attempt is a connection as well.
    const count = (one: Source): number => this.workers.of(one).length + (one === source ? 1 : 0)
    return [...(isUsable ? [source] : []), ...mirrors].sort((one, other) => count(one) - count(other))
  }

  private hire(sources: ReadonlyArray<Source>): Worker | undefined {
    return this.workers.hire(sources.filter((one) => one.isProven || this.workers.of(one).length === 0))
  }

  /** Begins as many segments as there are idle permits and shares. */
  private divide(): void {
    const { connectionsAtMost, leastBytes } = this.rule
    if (this.isOver || this.body.claim.nextBytes === 0) {
      return
    }
    const room = this.ranges.room(connectionsAtMost - this.connections, leastBytes)
    const hired: Array<Worker> = []
    while (hired.length < room) {
      const worker = this.hire(this.sources)
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

  /** Requests a hole, or requests the rest of a slow connection again, from a faster server. */
  private relieve(): void {
    const faster = this.sources.filter((source) => this.nextFor(source).isRelief)
    const worker = this.connections < this.rule.connectionsAtMost ? this.hire(faster) : undefined
    const claim = worker === undefined ? undefined : this.nextFor(worker.source).takeRelief()
    if (worker !== undefined && claim !== undefined) {
      this.begin(worker, claim)
      this.proceed()
    }
  }

  private dismiss(worker: Worker): void {
    this.workers.dismiss(worker)
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
    const segment = new Segment(this, worker.source, worker.hop, claim, segmentWait, (exit) =>
      this.onSegmentEnd(worker, segment, exit)
    )
    worker.segment = segment
    segment.begin()
  }

  private onSegmentEnd(worker: Worker, segment: Segment, exit: Exit.Exit<void, DownloadError>): void {
    const { owner, partial, transfer } = this
    const { hop, source } = worker
    worker.segment = undefined
    this.ranges.release(segment.claim)
    if (Exit.isSuccess(exit)) {
      source.measured(segment.claim, transfer.now())
      const report = { signal: "success", beganAtMillis: segment.beganAt } as const
      this.start(transfer.governor.report(hop.origin, report), () => {
        if (segment.redirectedTo === undefined) {
          this.continue(worker)
        } else {
          source.hop = segment.redirectedTo
          source.isProven = false
          this.workers.dismiss(worker)
          this.divide()
          this.proceed()
        }
      })
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
    if (source.isMirror && !isFinal(error)) {
      this.giveUp(source, error)
    } else {
      partial.failedSegments++
    }
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

  private giveUp(source: Source, error: DownloadError): void {
    if (!source.isGivenUp) {
      source.isGivenUp = true
      this.transfer.onGivenUp(source.firstHop, error)
    }
  }

  /** Begins the next segment of a worker whose segment has ended. */
  private continue(worker: Worker): void {
    if (worker === this.own) {
      this.proceed()
      return
    }
    const { source } = worker
    const isOn = !this.isOver && !worker.isWanted && !source.isGivenUp
    const next = this.nextFor(source)
    const claim = isOn && next.exists && worker.permit?.tryReuse() === true ? next.take() : undefined
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
      // The rest of a silent response was taken over, and the response with that rest has begun.
      if (claim.doneBytes === claim.endBytes && ranges.next(claim, body.endBytes) === undefined) {
        this.endResponse()
      }
    } else if (this.response === "ended") {
      const error = Exit.fail(truncated(this.partial, owner.hop))
      if (claim.nextBytes >= claim.endBytes) {
        this.endResponse()
      } else if (!this.goesOn(error)) {
        owner.finish(error)
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
    const { failure, owner, source } = this
    const next = this.nextFor(source)
    const isMore = next.exists
    const claim = !this.isRefused && isMore && owner.permit.tryReuse() ? next.take() : undefined
    if (claim !== undefined) {
      this.begin(this.own, claim)
    } else if (failure !== undefined && this.workers.size === 0) {
      owner.finish(Exit.fail(failure))
    } else if ((this.isRefused || isMore) && this.workers.size === 0) {
      owner.requestRest()
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

  private nextFor(source: Source): NextClaim {
    return new NextClaim(this.ranges, source, this.rule, this.transfer.now())
  }
}

/** Whether an error fails the attempt, although other workers may continue. */
const isFinal = (error: DownloadError): boolean =>
  error._tag === "Disk" ||
  error._tag === "TooLarge" ||
  (error._tag === "Timeout" && (error.phase === "total" || error.phase === "deadline"))
