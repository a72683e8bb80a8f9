/**
 * The path of one file: permit, attempt, retry, publish.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import { type DownloadRequest, Failed, Saved, Skipped } from "../Download.js"
import { type DownloadError, Timeout } from "../DownloadError.js"
import { Retrying } from "../DownloadEvent.js"
import { Hasher } from "../Hasher.js"
import type * as Digest from "../internal/digest.js"
import * as DisplayUrl from "../internal/text/displayUrl.js"
import * as Unvalidated from "../internal/unvalidated.js"
import type { OriginGovernor, Permit, PermitOptions, Signal } from "../OriginGovernor.js"
import * as RetryPolicy from "../RetryPolicy.js"
import { type Durability, type Part, Store } from "../Store.js"
import { Transport } from "../Transport.js"
import * as Attempt from "./attempt.js"
import * as Watch from "./deadlines.js"
import type { Hooks } from "./hooks.js"
import * as Limits from "./limits.js"
import { Kept } from "./partialFile.js"
import { admit } from "./precheck.js"
import { Advance } from "./progressSampler.js"
import { type Means, type Quick, quick } from "./quick.js"
import { Reachability } from "./reachability.js"
import type { Hop } from "./redirect.js"
import { RetryCount } from "./retryCount.js"
import type * as Segments from "./segments/segments.js"

export interface Transfer {
  (request: DownloadRequest, hooks: Hooks): Effect.Effect<Saved | Skipped, DownloadError>
  /** The first attempt as a quick one, where the request, the transport and the store are such; run before the rest. */
  readonly quick?: (request: DownloadRequest, hooks: Omit<Hooks, "decide">) => Quick | undefined
  /** The whole, from where a quick attempt was handed over. */
  readonly goOn?: (quick: Quick, hooks: Hooks) => Effect.Effect<Saved | Skipped, DownloadError>
}

export interface TransferOptions {
  readonly retry: RetryPolicy.RetryPolicy
  readonly limits: Watch.Limits
  readonly durability: Durability
  readonly strict: boolean
  /** Maximum size of the content, for requests without their own limit. */
  readonly limitBytes: number
  /** Where a file may have more than one connection. */
  readonly segments?: Segments.Rule | undefined
}

/** The wait for the next origin's permit is not the server's doing. */
interface Redirected {
  readonly _tag: "Redirected"
  readonly to: Hop
  readonly leftMillis: number
}

export const makeTransfer = (
  options: TransferOptions,
  governor: typeof OriginGovernor.Service
): Effect.Effect<Transfer, never, Transport | Store | Scope.Scope> =>
  Effect.gen(function* () {
    const transport = yield* Transport
    const store = yield* Store
    const hasher = yield* Hasher
    const clock = yield* Effect.clock
    const scope = yield* Effect.scope
    const watch = yield* Watch.make

    const now = (): number => Number(clock.unsafeCurrentTimeNanos()) / 1e6
    const reachability = new Reachability(now)

    const keptOf = (request: DownloadRequest, expected: Digest.Expected | undefined): Kept =>
      new Kept(request, expected, hasher, request.limitBytes ?? options.limitBytes)

    const timedOut = (
      url: string,
      request: DownloadRequest,
      kept: Kept,
      phase: Watch.Phase,
      { headersMillis, stall }: Watch.Wait
    ): Timeout => {
      const limitMillis = {
        headers: headersMillis,
        stall: stall.millis,
        total: Duration.toMillis(request.timeout),
        deadline: Duration.toMillis(request.deadline ?? Duration.infinity)
      }[phase]
      return new Timeout({ url: DisplayUrl.displayUrl(url), phase, limitMillis, receivedBytes: kept.bytes })
    }

    /** Releases the permit when the effect has ended. */
    const holding = <A, E>(effect: Effect.Effect<A, E>, release: () => void): Effect.Effect<A, E> =>
      Effect.matchCauseEffect(effect, {
        onSuccess: (value) => {
          release()
          return Effect.succeed(value)
        },
        onFailure: (cause) => {
          release()
          return Effect.failCause(cause)
        }
      })

    /** Waits for a permit, until the deadline at the latest, and runs the effect. Only the wait is interruptible. */
    const withPermit = <A>(
      origin: string,
      ask: PermitOptions | undefined,
      deadlineAt: number,
      onTimeout: (phase: Watch.Phase, wait: Watch.Wait) => Timeout,
      use: (origin: string, permit: Permit) => Effect.Effect<A, DownloadError>
    ): Effect.Effect<A, DownloadError> =>
      Effect.uninterruptible(
        Effect.suspend(() => {
          const acquiring = governor.acquire(origin, ask)
          const held = (permit: Permit): Effect.Effect<A, DownloadError> =>
            holding(
              Effect.suspend(() => use(origin, permit)),
              () => permit.release()
            )
          if (Exit.isExit(acquiring) || deadlineAt === Number.POSITIVE_INFINITY) {
            return Effect.flatMap(acquiring, held)
          }
          const wait = Watch.permitWait(now(), deadlineAt)
          return watch.watched(wait, (phase) => onTimeout(phase, wait))(
            Effect.uninterruptible(
              Effect.flatMap(acquiring, (permit) => {
                // From here on, the attempt checks the deadline.
                wait.deadlineAt = Number.POSITIVE_INFINITY
                return held(permit)
              })
            )
          )
        })
      )

    const cool = (origin: string, error: DownloadError, beganAtMillis: number): Effect.Effect<void> =>
      Effect.suspend(() => {
        reachability.onFailure(origin, error)
        const asked = RetryPolicy.askedMillis(options.retry, error)
        const pauseMillis = asked > 0 && isOverload(error) ? asked : undefined
        return governor.report(origin, { signal: signalOf(error), beganAtMillis, pauseMillis })
      })

    /** What helpers of an attempt need. */
    const segmentsOf = (
      origin: string,
      permit: Permit | undefined,
      ask: PermitOptions | undefined,
      limits: Watch.Limits,
      wait: Watch.Wait,
      timedOut: (phase: Watch.Phase, wait: Watch.Wait) => Timeout
    ): Segments.Means | undefined => {
      const { segments } = options
      return segments === undefined
        ? undefined
        : {
            rule: segments,
            scope,
            tryAcquireIdle: (onWanted) => governor.tryAcquireIdle(origin, onWanted, ask),
            tryReuse: () => permit?.tryReuse() ?? false,
            wait: () => Watch.waitFrom(now(), limits, wait.totalAt, wait.deadlineAt),
            watched: (one) => watch.watched(one, (phase) => timedOut(phase, one)),
            succeeded: (beganAtMillis) =>
              Effect.suspend(() => governor.report(origin, { signal: "success", beganAtMillis })),
            failed: (error, at) => cool(origin, error, at)
          }
    }

    /** From the first hop to the published file; or from where a quick attempt has come to. */
    const carry = (
      request: DownloadRequest,
      url: URL,
      expected: Digest.Expected | undefined,
      hooks: Hooks,
      quick?: Quick
    ): Effect.Effect<Saved | Skipped, DownloadError> => {
      const kept = quick?.kept ?? keptOf(request, expected)
      const advance = quick?.advance ?? new Advance(clock, request, kept, hooks.audience)
      const totalMillis = Duration.toMillis(request.timeout)
      // The time in which the process stood still is subtracted, and added again to get a time of the clock.
      const deadline = (hooks.deadlineAt ?? quick?.wait.deadlineAt ?? deadlineOf(request, now())) - watch.lostMillis()
      const deadlineAt = () => deadline + watch.lostMillis()
      const ownTime = () => now() - watch.lostMillis()
      let limits = Limits.forRequest(request, options.limits)
      const count = new RetryCount(quick === undefined ? undefined : quick.wait.beganAt - watch.lostMillis())
      // The origin of the last request, and whether no further request is sent because that origin is unreachable.
      let lastOrigin = quick?.origin ?? url.origin
      let isUnreachable = false

      const go = (
        hop: Hop,
        attempts: number,
        leftMillis = totalMillis
      ): Effect.Effect<Saved | Skipped, DownloadError> =>
        Effect.suspend(() =>
          reachability.mayTry(hop.url.origin, kept)
            ? followed(
                withPermit(
                  hop.url.origin,
                  hooks.ask,
                  deadlineAt(),
                  (phase, wait) => timedOut(hop.url.href, request, kept, phase, wait),
                  (origin, permit) => held(origin, permit, hop, attempts, leftMillis)
                ),
                attempts
              )
            : Effect.flatMap(turn(hop), () => go(hop, attempts, leftMillis))
        )

      /** Waits while another transfer tries the origin, until the deadline at the latest. */
      const turn = (hop: Hop): Effect.Effect<void, DownloadError> => {
        const wait = Watch.permitWait(now(), deadlineAt())
        const waiting = Effect.tapError(
          reachability.turn(hop.url.origin, kept, DisplayUrl.displayUrl(hop.url.href)),
          () =>
            Effect.sync(() => {
              isUnreachable = true
            })
        )
        return Effect.uninterruptible(
          watch.watched(wait, (phase) => timedOut(hop.url.href, request, kept, phase, wait))(parked(waiting))
        )
      }

      /** Marks the caller as waiting for its origin, so that other transfers need not wait behind it. */
      const parked = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
        Effect.acquireUseRelease(
          Effect.sync(() => hooks.ask?.onParked?.(true)),
          () => effect,
          () => Effect.sync(() => hooks.ask?.onParked?.(false))
        )

      const followed = (
        first: Effect.Effect<Saved | Skipped | Redirected, DownloadError>,
        attempts: number
      ): Effect.Effect<Saved | Skipped, DownloadError> =>
        Effect.flatMap(first, (result) =>
          result._tag === "Redirected" ? go(result.to, attempts, result.leftMillis) : Effect.succeed(result)
        )

      // Uninterruptible but for the waits.
      const held = (
        origin: string,
        permit: Permit,
        hop: Hop,
        attempts: number,
        leftMillis: number
      ): Effect.Effect<Saved | Skipped | Redirected, DownloadError> => {
        if (!reachability.mayTry(origin, kept)) {
          // The origin has failed for another transfer while this one waited for its permit.
          return Effect.succeed({ _tag: "Redirected", to: hop, leftMillis })
        }
        const beganAt = now()
        lastOrigin = origin
        count.sinceMillis ??= ownTime()
        advance.begin()
        const wait = Watch.waitFrom(beganAt, limits, beganAt + leftMillis, deadlineAt())
        const begun = Attempt.begin({
          request,
          transport,
          store,
          hop,
          kept,
          wait,
          now,
          expected,
          strict: options.strict,
          connectMillis: limits.connectMillis,
          restMillis: (bytes) => governor.restMillis(origin, bytes),
          refused: (error) => cool(origin, error, beganAt),
          originAnswered: () => reachability.onAnswer(origin),
          advanced: () => advance.after(),
          segments: segmentsOf(origin, permit, hooks.ask, limits, wait, (phase, one) =>
            timedOut(hop.url.href, request, kept, phase, one)
          )
        })
        return toItsEnd(origin, hop.url.href, attempts, beganAt, wait, begun)
      }

      const toItsEnd = (
        origin: string,
        url: string,
        attempts: number,
        beganAt: number,
        wait: Watch.Wait,
        { close, work }: Attempt.Begun
      ): Effect.Effect<Saved | Skipped | Redirected, DownloadError> =>
        // Around the waits alone: the publish must neither be raced nor cut short.
        Effect.matchCauseEffect(watch.watched(wait, (phase) => timedOut(url, request, kept, phase, wait))(work), {
          onSuccess: (result) =>
            Effect.flatMap(close, () => {
              const reported = governor.report(origin, { signal: "success", beganAtMillis: beganAt })
              const rest: Effect.Effect<Saved | Skipped | Redirected, DownloadError> =
                result._tag === "Redirected"
                  ? Effect.sync(() => ({ ...result, leftMillis: wait.totalAt - now() }))
                  : publish(result.part, request, result, attempts, hooks.decide)
              return Effect.zipRight(reported, rest)
            }),
          onFailure: (cause) =>
            Effect.zipRight(
              close,
              // While the permit is held: nobody else gets one in between.
              Option.match(Cause.failureOption(cause), {
                onNone: () => Effect.failCause(cause),
                onSome: (error) =>
                  Effect.zipRight(
                    error._tag === "HttpStatus" ? Effect.void : cool(origin, error, beganAt),
                    Effect.failCause(cause)
                  )
              })
            )
        })

      const attempt = (
        attempts: number,
        first: Effect.Effect<Saved | Skipped, DownloadError>
      ): Effect.Effect<Saved | Skipped, DownloadError> =>
        Effect.catchAll(first, (error) =>
          Effect.gen(function* () {
            if (isUnreachable) {
              return yield* error
            }
            const at = ownTime()
            count.failed(error, kept, at)
            limits = Limits.afterTimeout(limits, error, totalMillis)
            const random = yield* Random.next
            const delayAfter = (attempt: number) =>
              RetryPolicy.delayMillis(options.retry, {
                error,
                attempt,
                elapsedMillis: at - (count.sinceMillis ?? at),
                hasAnswered: reachability.hasAnswered(lastOrigin),
                random
              })
            const delayMillis =
              delayAfter(count.failures) ??
              // Retry once more: a server may refuse only the range, with any status.
              (error._tag === "HttpStatus" && kept.refuseLastRange() ? delayAfter(count.failures - 1) : undefined)
            if (delayMillis === undefined) {
              reachability.onGivenUp(lastOrigin, error)
            }
            // A disk fault cannot be undone, and no attempt begins after the deadline.
            if (delayMillis === undefined || isDiskFault(error) || at + delayMillis >= deadline) {
              return yield* error
            }
            if (hooks.audience?.isListening === true) {
              hooks.audience.tell(Unvalidated.make(Retrying, { request, error, attempt: attempts, delayMillis }))
            }
            yield* parked(Effect.sleep(Duration.millis(Math.ceil(delayMillis))))
            return yield* again(attempts + 1)
          })
        )

      const again = (attempts: number) => attempt(attempts, go({ url, count: 0, isFirstOrigin: true }, attempts))

      const begun = quick?.begun
      return Effect.ensuring(
        quick === undefined || begun === undefined
          ? again(1)
          : attempt(
              1,
              followed(
                Effect.uninterruptible(
                  holding(toItsEnd(quick.origin, url.href, 1, quick.beganAt, quick.wait, begun), () => quick.release())
                ),
                1
              )
            ),
        Effect.suspend(() => {
          reachability.leave(kept)
          return kept.discard
        })
      )
    }

    const publish = (
      part: Part,
      request: DownloadRequest,
      { bytes, verified }: Pick<Saved, "bytes" | "verified">,
      attempts: number,
      decide: Hooks["decide"]
    ): Effect.Effect<Saved | Skipped, DownloadError> =>
      Effect.matchEffect(part.publish({ onExists: request.onExists, durability: options.durability }), {
        onSuccess: (destination) => {
          const outcome =
            destination === undefined
              ? Unvalidated.make(Skipped, { request })
              : Unvalidated.make(Saved, { request, destination, bytes, verified, attempts })
          decide(outcome)
          return Effect.succeed(outcome)
        },
        // An interruption would take its place, although the file may stand there.
        onFailure: (error) => {
          decide(Unvalidated.make(Failed, { request, error }))
          return Effect.fail(error)
        }
      })

    const transfer: Transfer = (request, hooks) =>
      admit(store, request, hooks.decide, (url, expected) => carry(request, url, expected, hooks))
    const means: Means = {
      transport,
      store,
      governor,
      watch,
      strict: options.strict,
      durability: options.durability,
      limits: (request) => Limits.forRequest(request, options.limits),
      deadlineAt: deadlineOf,
      now,
      isInDoubt: (origin) => reachability.isInDoubt(origin),
      originAnswered: (origin) => reachability.onAnswer(origin),
      kept: keptOf,
      advance: (request, kept, hooks) => new Advance(clock, request, kept, hooks.audience),
      restMillis: governor.restMillis,
      cool,
      timedOut: (request, kept, phase, wait) => timedOut(request.url, request, kept, phase, wait),
      segments: segmentsOf
    }
    return Object.assign(transfer, {
      quick: (request: DownloadRequest, hooks: Omit<Hooks, "decide">) => quick(means, request, hooks),
      goOn: (from: Quick, hooks: Hooks) => carry(from.request, from.hop.url, from.expected, hooks, from)
    })
  })

const deadlineOf = ({ deadline }: DownloadRequest, now: number): number =>
  deadline === undefined ? Number.POSITIVE_INFINITY : now + Duration.toMillis(deadline)

// Too many open files do not damage the part, whose bytes stay in memory.
const isDiskFault = (error: DownloadError): boolean => error._tag === "Disk" && error.reason !== "too-many-open"

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
