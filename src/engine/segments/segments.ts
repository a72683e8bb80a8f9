/**
 * Several connections for one file, where one proves slow.
 *
 * An attempt begins alone. While its body comes, a scout measures the connection from time to time; where what is left
 * would take long, the rest is divided among helpers, each on a connection and with a permit of its own, as long as
 * nobody else wants that permit. Whoever is done takes half of what is largest. A helper that fails gives back what it
 * has not fetched, and fails nobody else.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type { DownloadError } from "../../DownloadError.js"
import type { Permit } from "../../OriginGovernor.js"
import type { Part } from "../../Store.js"
import type { Transport } from "../../Transport.js"
import { beginBody, extendHeaders, holdHeaders, type Wait } from "../deadlines.js"
import { Drive } from "../drive.js"
import { type Meter, type Receiver, type ResponseBody, receive } from "../receiveBody.js"
import type { Claim, Coverage } from "./rangeMap.js"
import * as Segment from "./segmentRequest.js"

/** When to divide. */
export interface Rule {
  /** Connections for one file. */
  readonly atMost: number
  /** What a share has at least, when helpers are begun. */
  readonly leastBytes: number
  /** What a share has at least that is taken by one who is there already and has nothing else to do. */
  readonly leastTakenBytes: number
  /** How long a connection is measured first; later on twice as long each time, up to eight times. */
  readonly lookMillis: number
  /** What would be there within this is left to those who fetch it. */
  readonly worthMillis: number
}

export const rule = (atMost: number): Rule => ({
  atMost,
  leastBytes: 1024 * 1024,
  leastTakenBytes: 64 * 1024,
  lookMillis: 100,
  worthMillis: 1000
})

// A connection this fast is bounded by the machine or the network, and seldom by being one.
const fastBytesPerMilli = (256 * 1024 * 1024) / 1000

// Where so much is left, the first look comes sooner: it costs more to find out late.
const longBytes = 64 * 1024 * 1024

// So many segments of a transfer may come to nothing before no more are begun.
const failuresAtMost = 3

/** What the attempt of a transfer lends its helpers. */
export interface Means {
  readonly rule: Rule
  /** Where fibers end at the latest. */
  readonly scope: Scope.Scope
  /** A permit of the attempt's origin, if one is free now. It must be released when it is wanted. */
  readonly tryAcquireIdle: (onWanted: () => void) => Permit | undefined
  /** True if the attempt may send one more request with its own permit now. */
  readonly tryReuse: () => boolean
  /** How long a request that is sent now may take. */
  readonly wait: () => Wait
  readonly watched: (wait: Wait) => <A>(effect: Effect.Effect<A, DownloadError>) => Effect.Effect<A, DownloadError>
  /** Tells the governor how a request went that was sent then. */
  readonly succeeded: (beganAt: number) => Effect.Effect<void>
  readonly failed: (error: DownloadError, beganAt: number) => Effect.Effect<void>
}

interface Helper {
  fiber: Fiber.RuntimeFiber<void> | undefined
  isWanted: boolean
  permit: Permit | undefined
}

/** The helpers of one attempt, and what its own fiber does besides its own response. */
export class Crew {
  private readonly meter: Meter = { bytes: 0, restedMillis: 0 }
  private readonly helpers = new Set<Helper>()
  private scout: Fiber.RuntimeFiber<void> | undefined
  /** Of the attempt's own response, and how it ended. */
  private receiver: Fiber.RuntimeFiber<void, DownloadError> | undefined
  private received: Exit.Exit<void, DownloadError> | undefined
  private own: Claim | undefined
  private isOwnClosed = false
  private isOver = false
  /** What one connection brought when it was looked at last. */
  private bytesPerMilli = 0
  /** What the last request that was answered waited for its head. */
  private answerMillis = 0
  /** Whether the origin has shown that it honours ranges: as long as not, one helper is enough to find out. */
  private isProven = false
  /** Whether a request of the attempt's own, beyond the first, came to nothing: it sends none any more. */
  private isRefused = false
  private changes = 0
  private wake: (() => void) | undefined
  private defect: Effect.Effect<never> | undefined

  constructor(
    private readonly self: Receiver & {
      readonly transport: typeof Transport.Service
      readonly wait: Wait
    },
    private readonly means: Means,
    private readonly closeResponse: Effect.Effect<void>
  ) {}

  /**
   * Receives what the response has, and then whatever else is missing. `Left`: some of it is, and needs a permit that
   * the attempt does not have, or another answer than there is where the attempt was led to.
   */
  receive(body: ResponseBody): Effect.Effect<"Whole" | "Left", DownloadError> {
    const { kept } = this.self
    this.own = body.claim
    return kept.coverage === undefined && !this.isDivisible(body)
      ? Effect.as(receive(this.self, body), "Whole")
      : Effect.zipRight(this.startOwn(body), this.others(body))
  }

  /** Ends everybody, and waits for that. To be run uninterruptible. */
  readonly close: Effect.Effect<void> = Effect.suspend(() => {
    this.isOver = true
    const { scout } = this
    return scout === undefined
      ? this.closeOwn
      : Fiber.interrupt(scout).pipe(
          // Nobody begins any more.
          Effect.zipRight(
            Effect.suspend(() => Fiber.interruptAll(Array.from(this.helpers).flatMap((one) => one.fiber ?? [])))
          ),
          Effect.zipRight(this.closeOwn),
          Effect.zipRight(Effect.suspend(() => this.defect ?? Effect.void))
        )
  })

  /** Closes the response that the attempt began with. */
  private readonly closeOwn: Effect.Effect<void> = Effect.uninterruptible(
    Effect.suspend(() => {
      if (this.isOwnClosed) {
        return Effect.void
      }
      this.isOwnClosed = true
      const close = Effect.zipRight(
        Effect.sync(() => this.give(this.own)),
        this.closeResponse
      )
      return this.receiver === undefined ? close : Effect.zipRight(Fiber.interrupt(this.receiver), close)
    })
  )

  private isDivisible({ claim, endBytes, response }: ResponseBody): boolean {
    const { kept } = this.self
    const { headers, status } = response
    const ranges = headers["accept-ranges"]?.trim().toLowerCase()
    this.isProven = status === 206 || ranges === "bytes"
    return (
      kept.totalBytes !== undefined &&
      kept.isGuarded &&
      ranges !== "none" &&
      kept.coding === "" &&
      Number.isFinite(endBytes) &&
      Math.min(endBytes, claim.endBytes) - claim.nextBytes >= 2 * this.means.rule.leastBytes
    )
  }

  // On a fiber of its own: when all is there, its response need not be waited for.
  private startOwn(body: ResponseBody): Effect.Effect<void> {
    const { means, meter, self } = this
    const look = this.look(body, means.rule.lookMillis / (this.leftBytes() >= longBytes ? 3 : 1))
    const begun = Effect.flatMap(
      Effect.forkIn(Effect.interruptible(receive(self, { ...body, meter })), means.scope),
      (receiver) => {
        this.receiver = receiver
        receiver.addObserver((exit) => {
          this.received = exit
          this.change()
        })
        return Effect.map(Effect.forkIn(Effect.uninterruptible(look), means.scope), (scout) => {
          this.scout = scout
        })
      }
    )
    return Effect.uninterruptible(begun)
  }

  private look(body: ResponseBody, millis: number): Effect.Effect<void> {
    return Effect.suspend(() => {
      const before = { ...this.meter, at: this.self.now() }
      // The last millisecond apart: after a moment in which this process stood still, what came meanwhile is received first.
      const wait = Effect.zipRight(Effect.sleep(Math.max(1, millis - 1)), Effect.sleep(1))
      return Effect.flatMap(Effect.interruptible(wait), () => {
        const { kept } = this.self
        const leftBytes = this.leftBytes()
        if (this.isOver || kept.failedSegments >= failuresAtMost || leftBytes < 2 * this.means.rule.leastBytes) {
          return Effect.void
        }
        const begun = this.isSlow(before, leftBytes) ? this.begin(body) : []
        return Effect.zipRight(
          Effect.forEach(begun, ([helper, claim]) => this.start(helper, claim), { discard: true }),
          this.look(body, Math.min(millis * 2, 8 * this.means.rule.lookMillis))
        )
      })
    })
  }

  /** Whether there is something to do for one who is done. */
  private isMore(coverage: Coverage): boolean {
    return coverage.room(1, this.leastTakenBytes()) > 0 || coverage.silent(this.silentSince()) !== undefined
  }

  private next(coverage: Coverage): Claim | undefined {
    const claim = coverage.split(1, this.leastTakenBytes())[0] ?? coverage.takeOver(this.silentSince())
    this.change()
    return claim
  }

  // As much as comes in the time that a request takes to be answered.
  private leastTakenBytes(): number {
    const { leastBytes, leastTakenBytes } = this.means.rule
    return Math.min(leastBytes, Math.max(leastTakenBytes, this.bytesPerMilli * this.answerMillis))
  }

  private silentSince(): number {
    return this.self.now() - 2 * this.answerMillis
  }

  private leftBytes(): number {
    const { kept } = this.self
    return (kept.totalBytes ?? 0) - kept.bytes
  }

  private isSlow(before: Meter & { readonly at: number }, leftBytes: number): boolean {
    const connections = 1 + this.helpers.size
    const millis = connections * (this.self.now() - before.at) - (this.meter.restedMillis - before.restedMillis)
    const bytesPerMilli = (this.meter.bytes - before.bytes) / Math.max(1, millis)
    return bytesPerMilli < fastBytesPerMilli && leftBytes > connections * bytesPerMilli * this.means.rule.worthMillis
  }

  /** As many helpers as there are permits and shares for. */
  private begin({ claim }: ResponseBody): ReadonlyArray<readonly [Helper, Claim]> {
    const { kept } = this.self
    const { atMost, leastBytes } = this.means.rule
    const most = Math.min(atMost - 1, this.isProven ? atMost : 1) - this.helpers.size
    const room =
      kept.coverage?.room(most, leastBytes) ??
      Math.min(most, Math.floor((claim.endBytes - claim.nextBytes) / leastBytes) - 1)
    const hired: Array<Helper> = []
    while (hired.length < room) {
      const helper = this.hire()
      if (helper === undefined) {
        break
      }
      hired.push(helper)
    }
    const claims = hired.length === 0 ? [] : (kept.cover(claim)?.split(hired.length, leastBytes) ?? [])
    return hired.flatMap((helper, index) => {
      const taken = claims[index]
      if (taken === undefined) {
        this.dismiss(helper)
        return []
      }
      return [[helper, taken] as const]
    })
  }

  private hire(): Helper | undefined {
    const helper: Helper = { fiber: undefined, isWanted: false, permit: undefined }
    const permit = this.means.tryAcquireIdle(() => {
      helper.isWanted = true
      helper.fiber?.unsafeInterruptAsFork(FiberId.none)
    })
    if (permit === undefined) {
      return undefined
    }
    helper.permit = permit
    this.helpers.add(helper)
    return helper
  }

  private dismiss(helper: Helper): void {
    this.helpers.delete(helper)
    helper.permit?.release()
    this.change()
  }

  // To be run uninterruptible, which the fiber is then too, so that it gives back what it has whenever it is interrupted.
  private start(helper: Helper, claim: Claim): Effect.Effect<void> {
    return Effect.map(Effect.forkIn(this.work(helper, claim), this.means.scope), (fiber) => {
      helper.fiber = fiber
      if (helper.isWanted) {
        fiber.unsafeInterruptAsFork(FiberId.none)
      }
    })
  }

  private work(helper: Helper, claim: Claim): Effect.Effect<void> {
    const end = Effect.sync(() => this.dismiss(helper))
    const { coverage, part } = this.self.kept
    if (coverage === undefined || part === undefined) {
      return end
    }
    return Effect.matchCauseEffect(
      Effect.suspend(() => this.fetch(claim, part, false)),
      {
        onSuccess: () => {
          const isOn = !this.isOver && !helper.isWanted && this.isMore(coverage) && helper.permit?.tryReuse() === true
          const next = isOn ? this.next(coverage) : undefined
          return next === undefined ? end : this.work(helper, next)
        },
        onFailure: (cause) => {
          if (!Cause.isInterruptedOnly(cause)) {
            this.self.kept.failedSegments++
          }
          // A bug: nobody is to go on as if nothing had happened.
          this.defect ??= Option.getOrUndefined(Option.map(Cause.keepDefects(cause), Effect.failCause))
          return end
        }
      }
    )
  }

  /** What the attempt's own fiber does: wait, and, when its response is over, what nobody else does. */
  private others(body: ResponseBody): Effect.Effect<"Whole" | "Left", DownloadError> {
    const { kept, wait } = this.self
    type How = Effect.Effect<"Whole" | "Left", DownloadError>
    const more: How = Effect.suspend((): How => {
      const { coverage } = kept
      const { defect, received } = this
      const seen = this.changes
      if (defect !== undefined) {
        return defect
      }
      if (coverage?.isWhole === true) {
        wait.resting = true
        return Effect.zipRight(this.closeOwn, Effect.as(kept.readBack(body.part), "Whole" as const))
      }
      if (received === undefined) {
        // Who has nothing left to receive, because others took it over, is not waited for: it may be silent for long.
        const isIdle = coverage !== undefined && !this.isOwnClosed && body.claim.doneBytes === body.claim.endBytes
        return Effect.zipRight(isIdle ? this.closeOwn : this.changed(seen), more)
      }
      if (received._tag === "Failure" && !this.isOwnClosed) {
        return Effect.failCause(received.cause)
      }
      if (coverage === undefined) {
        this.isOver = true
        return Effect.succeed("Whole" as const)
      }
      if (!this.isOwnClosed) {
        return body.claim.nextBytes < body.claim.endBytes
          ? Segment.truncated(this.self)
          : Effect.zipRight(this.closeOwn, more)
      }
      // Each request that follows is watched by itself.
      wait.resting = true
      if (this.isRefused || this.isMore(coverage)) {
        if (!this.isRefused && this.means.tryReuse()) {
          return Effect.zipRight(this.fetchMore(coverage, body.part), more)
        }
        if (this.helpers.size === 0) {
          return Effect.succeed("Left" as const)
        }
      }
      return Effect.zipRight(this.changed(seen), more)
    })
    return more
  }

  // One step with what takes the claim: nobody else would give it back. Where it comes to nothing, others may still be at
  // work, and an address that led here once may have had its time: the request's own says what becomes of the rest.
  private fetchMore(coverage: Coverage, part: Part): Effect.Effect<void, DownloadError> {
    return Effect.uninterruptible(
      Effect.suspend(() => {
        const claim = this.next(coverage)
        return claim === undefined
          ? Effect.void
          : Effect.catchAll(this.fetch(claim, part, true), (error) => {
              if (Segment.isFinal(error)) {
                return Effect.fail(error)
              }
              this.isRefused = true
              this.self.kept.failedSegments++
              return Effect.void
            })
      })
    )
  }

  /** Fetches a claim by a request of its own, and gives it back in any case. To be run uninterruptible. */
  private fetch(claim: Claim, part: Part, isOwn: boolean): Effect.Effect<void, DownloadError> {
    const { means, self } = this
    const { kept } = self
    if (claim.nextBytes >= claim.endBytes) {
      // Somebody has gone on over it meanwhile.
      return Effect.sync(() => this.give(claim))
    }
    const beganAt = self.now()
    const wait = means.wait()
    const exchange = new Drive(
      self.transport,
      {
        ...Segment.requestFor(self, claim),
        connectMillis: self.connectMillis,
        // Limited by the requested range.
        verifiesBody: true
      },
      () => extendHeaders(wait, self.now()),
      (isHeld) => holdHeaders(wait, isHeld, self.now())
    )
    const work = Effect.flatMap(exchange.response, (response) => {
      const answeredAt = self.now()
      beginBody(wait, answeredAt)
      this.answerMillis = answeredAt - beganAt
      const askedBytes = claim.endBytes
      return Effect.flatMap(Segment.endOf(self, claim, response), (endBytes) => {
        claim.cameAt = self.now()
        this.isProven = true
        kept.resumed = true
        claim.endBytes = Math.min(claim.endBytes, endBytes)
        return Effect.flatMap(receive(self, { response, part, claim, endBytes, wait, meter: this.meter }), () =>
          endBytes < askedBytes || claim.nextBytes < claim.endBytes ? Segment.truncated(this.self) : Effect.void
        )
      })
    })
    const end = Effect.map(exchange.close, () => this.give(claim))
    return Effect.matchCauseEffect(means.watched(wait)(work), {
      onSuccess: () => Effect.zipRight(end, means.succeeded(beganAt)),
      onFailure: (cause) => {
        const error = Option.getOrUndefined(Cause.failureOption(cause))
        // Told while the permit is held; of what fails the attempt it tells by itself.
        const isTold = error !== undefined && !(isOwn && Segment.isFinal(error))
        return Effect.zipRight(
          isTold ? Effect.zipRight(means.failed(error, beganAt), end) : end,
          Effect.failCause(cause)
        )
      }
    })
  }

  private give(claim: Claim | undefined): void {
    if (claim !== undefined) {
      this.self.kept.coverage?.release(claim)
      this.change()
    }
  }

  private change(): void {
    this.changes++
    this.wake?.()
  }

  // The look and the wait are one step: what changes in between would wake nobody.
  private changed(seen: number): Effect.Effect<void> {
    return Effect.async((resume) => {
      if (this.changes === seen) {
        this.wake = () => resume(Effect.void)
      } else {
        resume(Effect.void)
      }
    })
  }
}
