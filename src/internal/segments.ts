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
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import { type DownloadError, Protocol, Truncated } from "../DownloadError.js"
import type { Part } from "../Store.js"
import * as Transport from "../Transport.js"
import { contentRange } from "./contentRange.js"
import type { Claim, Coverage } from "./coverage.js"
import { displayUrl } from "./displayUrl.js"
import * as Printable from "./printable.js"
import { type Body, type Meter, type Receiver, receive } from "./receive.js"
import * as Redirect from "./redirect.js"
import * as RequestHeaders from "./requestHeaders.js"
import { statusError } from "./statusError.js"
import * as Validator from "./validator.js"
import type { Wait } from "./watch.js"

/** When to divide. */
export interface Rule {
  /** Connections for one file. */
  readonly atMost: number
  /** What a share has at least. */
  readonly leastBytes: number
  /** How long a connection is measured first; later on twice as long each time, up to eight times. */
  readonly lookMillis: number
  /** What would be there within this is left to those who fetch it. */
  readonly worthMillis: number
}

export const rule = (atMost: number): Rule => ({
  atMost,
  leastBytes: 1024 * 1024,
  lookMillis: 100,
  worthMillis: 1000
})

// A connection this fast is bounded by the machine or the network, and seldom by being one.
const fastBytesPerMilli = (256 * 1024 * 1024) / 1000

// So many segments of a transfer may come to nothing before no more are begun.
const failuresAtMost = 3

/** What the attempt of a transfer lends its helpers. */
export interface Means {
  readonly rule: Rule
  /** Where fibers end at the latest. */
  readonly scope: Scope.Scope
  /** A permit of the attempt's origin, if there is one at this moment; to be given back when it is wanted. */
  readonly spare: (onWanted: () => void) => (() => void) | undefined
  /** Whether who has a permit may send another request with it at this moment. */
  readonly again: () => boolean
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
  /** Gives its permit back. */
  release: () => void
}

/** The helpers of one attempt, and what its own fiber does besides its own response. */
export class Crew {
  private readonly meter: Meter = { bytes: 0, restedMillis: 0 }
  private readonly helpers = new Set<Helper>()
  private scout: Fiber.RuntimeFiber<void> | undefined
  private own: Claim | undefined
  private isOwnClosed = false
  private isOver = false
  /** Whether the origin has shown that it honours ranges: as long as not, one helper is enough to find out. */
  private isProven = false
  private changes = 0
  private wake: (() => void) | undefined
  private defect: Cause.Cause<never> = Cause.empty

  constructor(
    private readonly self: Receiver & {
      readonly transport: typeof Transport.Transport.Service
      readonly wait: Wait
    },
    private readonly means: Means,
    private readonly closeResponse: Effect.Effect<void>
  ) {}

  /**
   * Receives what the response has, and then whatever else is missing. `Left`: some of it is, and needs a permit that
   * the attempt does not have.
   */
  receive(body: Body): Effect.Effect<"Whole" | "Left", DownloadError> {
    const { kept } = this.self
    this.own = body.claim
    return Effect.zipRight(
      this.isDivisible(body) ? this.startScout(body) : Effect.void,
      Effect.flatMap(receive(this.self, { ...body, meter: this.meter }), () => {
        const { coverage } = kept
        if (coverage === undefined) {
          this.isOver = true
          return Effect.succeed<"Whole" | "Left">("Whole")
        }
        return body.claim.nextBytes < body.claim.endBytes
          ? this.truncated()
          : Effect.zipRight(this.closeOwn, this.rest(body, coverage))
      })
    )
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
            Effect.suspend(() => Fiber.interruptAll(Array.from(this.helpers).flatMap(({ fiber }) => fiber ?? [])))
          ),
          Effect.zipRight(this.closeOwn),
          Effect.zipRight(
            Effect.suspend(() => (Cause.isEmpty(this.defect) ? Effect.void : Effect.failCause(this.defect)))
          )
        )
  })

  /** Closes the response that the attempt began with. */
  private readonly closeOwn: Effect.Effect<void> = Effect.uninterruptible(
    Effect.suspend(() => {
      if (this.isOwnClosed) {
        return Effect.void
      }
      this.isOwnClosed = true
      this.give(this.own)
      return this.closeResponse
    })
  )

  private isDivisible({ claim, endBytes, part, response }: Body): boolean {
    const { kept } = this.self
    const { headers, status } = response
    const ranges = headers["accept-ranges"]?.trim().toLowerCase()
    this.isProven = status === 206 || ranges === "bytes"
    return (
      part.at !== undefined &&
      kept.totalBytes !== undefined &&
      kept.isGuarded &&
      ranges !== "none" &&
      isIdentity(response) &&
      Math.min(endBytes, claim.endBytes) - claim.nextBytes >= 2 * this.means.rule.leastBytes
    )
  }

  private startScout(body: Body): Effect.Effect<void> {
    return Effect.uninterruptible(
      Effect.map(
        Effect.forkIn(Effect.uninterruptible(this.look(body, this.means.rule.lookMillis)), this.means.scope),
        (fiber) => {
          this.scout = fiber
        }
      )
    )
  }

  private look(body: Body, millis: number): Effect.Effect<void> {
    return Effect.suspend(() => {
      const before = { ...this.meter, at: this.self.now() }
      return Effect.flatMap(Effect.interruptible(Effect.sleep(millis)), () => {
        const { kept } = this.self
        const leftBytes = (kept.totalBytes ?? 0) - kept.bytes
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

  private isSlow(before: Meter & { readonly at: number }, leftBytes: number): boolean {
    const connections = 1 + this.helpers.size
    const millis = connections * (this.self.now() - before.at) - (this.meter.restedMillis - before.restedMillis)
    const bytesPerMilli = (this.meter.bytes - before.bytes) / Math.max(1, millis)
    return bytesPerMilli < fastBytesPerMilli && leftBytes > connections * bytesPerMilli * this.means.rule.worthMillis
  }

  /** As many helpers as there are permits and shares for. */
  private begin({ claim, part }: Body): ReadonlyArray<readonly [Helper, Claim]> {
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
    const claims = hired.length === 0 ? [] : (kept.cover(part, claim)?.split(hired.length, leastBytes) ?? [])
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
    const helper: Helper = { fiber: undefined, isWanted: false, release: () => {} }
    const release = this.means.spare(() => {
      helper.isWanted = true
      helper.fiber?.unsafeInterruptAsFork(FiberId.none)
    })
    if (release === undefined) {
      return undefined
    }
    helper.release = release
    this.helpers.add(helper)
    return helper
  }

  private dismiss(helper: Helper): void {
    this.helpers.delete(helper)
    helper.release()
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
          const next =
            this.isOver || helper.isWanted || coverage.room(1, this.means.rule.leastBytes) === 0 || !this.means.again()
              ? undefined
              : coverage.split(1, this.means.rule.leastBytes)[0]
          return next === undefined ? end : this.work(helper, next)
        },
        onFailure: (cause) => {
          if (!Cause.isInterruptedOnly(cause)) {
            this.self.kept.failedSegments++
          }
          // A bug: nobody is to go on as if nothing had happened.
          this.defect = Option.getOrElse(Cause.keepDefects(cause), () => this.defect)
          return end
        }
      }
    )
  }

  /** What the attempt's own fiber does when its response is over: what nobody else does, or wait for the others. */
  private rest(body: Body, coverage: Coverage): Effect.Effect<"Whole" | "Left", DownloadError> {
    const { kept, wait } = this.self
    const { leastBytes } = this.means.rule
    // Each request that follows is watched by itself.
    wait.resting = true
    const more: Effect.Effect<"Whole" | "Left", DownloadError> = Effect.suspend(() => {
      if (!Cause.isEmpty(this.defect)) {
        return Effect.failCause(this.defect)
      }
      if (coverage.isWhole) {
        return Effect.as(kept.readBack(body.part), "Whole")
      }
      const seen = this.changes
      if (coverage.room(1, leastBytes) > 0) {
        const [claim] = this.means.again() ? coverage.split(1, leastBytes) : []
        if (claim !== undefined) {
          return Effect.zipRight(Effect.uninterruptible(this.fetch(claim, body.part, true)), more)
        }
        if (this.helpers.size === 0) {
          return Effect.succeed("Left")
        }
      }
      return Effect.zipRight(this.changed(seen), more)
    })
    return more
  }

  /** Fetches a claim by a request of its own, and gives it back in any case. To be run uninterruptible. */
  private fetch(claim: Claim, part: Part, isOwn: boolean): Effect.Effect<void, DownloadError> {
    const { means, self } = this
    const { hop, kept, request, transport } = self
    const beganAt = self.now()
    const wait = means.wait()
    const headers = RequestHeaders.of(request, hop)
    headers["range"] = `bytes=${claim.nextBytes}-${claim.endBytes - 1}`
    if (kept.validator !== undefined) {
      headers["if-range"] = kept.validator
    }
    const exchange = Transport.begin(transport, { url: RequestHeaders.target(hop.url), headers })
    const work = Effect.flatMap(exchange.response, (response) => {
      wait.phase = "body"
      wait.windowAt = self.now()
      wait.windowBytes = 0
      const askedBytes = claim.endBytes
      return Effect.flatMap(this.judge(claim, response, isOwn), (endBytes) => {
        this.isProven = true
        kept.resumed = true
        claim.endBytes = Math.min(claim.endBytes, endBytes)
        return Effect.flatMap(receive(self, { response, part, claim, endBytes, wait, meter: this.meter }), () =>
          endBytes < askedBytes || claim.nextBytes < claim.endBytes ? this.truncated() : Effect.void
        )
      })
    })
    const end = Effect.map(exchange.close, () => this.give(claim))
    return Effect.matchCauseEffect(means.watched(wait)(work), {
      onSuccess: () => Effect.zipRight(end, means.succeeded(beganAt)),
      onFailure: (cause) => {
        const error = Option.getOrUndefined(Cause.failureOption(cause))
        // Told while the permit is held. Of what fails the attempt it tells by itself, except that a status is told at once.
        const isTold = error !== undefined && (!isOwn || error._tag === "HttpStatus")
        return Effect.zipRight(
          isTold ? Effect.zipRight(means.failed(error, beganAt), end) : end,
          Effect.failCause(cause)
        )
      }
    })
  }

  /** Where the response ends, if it is what was asked for. */
  private judge(
    claim: Claim,
    response: Transport.TransportResponse,
    isOwn: boolean
  ): Effect.Effect<number, DownloadError> {
    const { hop, kept } = this.self
    const { headers, status } = response
    const url = displayUrl(hop.url.href)
    if (status >= 400 && status !== 416) {
      return Effect.flatMap(statusError(url, response), Effect.fail)
    }
    const range = status === 206 ? contentRange(headers["content-range"]) : undefined
    if (
      range !== undefined &&
      range.startBytes === claim.nextBytes &&
      range.totalBytes === kept.totalBytes &&
      isIdentity(response) &&
      (kept.validator === undefined || Validator.agrees(kept.validator, headers))
    ) {
      return Effect.succeed(range.endBytes + 1)
    }
    if (isOwn && !Redirect.isRedirect(status)) {
      // Another version, or no ranges: from the beginning, by the next attempt.
      kept.forget()
    }
    const detail = Printable.line(headers["content-range"] ?? `${status}`)
    return new Protocol({ url, reason: "range", detail })
  }

  private truncated(): Truncated {
    const { hop, kept } = this.self
    return new Truncated({
      url: displayUrl(hop.url.href),
      expectedBytes: kept.totalBytes,
      receivedBytes: kept.bytes
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

const isIdentity = ({ headers }: Transport.TransportResponse): boolean =>
  /^(identity)?$/i.test(headers["content-encoding"]?.trim() ?? "")
