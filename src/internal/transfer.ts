/**
 * The path of one file: permit, attempt, retry, publish.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import { type DownloadRequest, Failed, Saved, Skipped } from "../Download.js"
import { Disk, type DownloadError, InvalidRequest, Timeout } from "../DownloadError.js"
import { Advanced, type DownloadEvent, Retrying } from "../DownloadEvent.js"
import { Hasher } from "../Hasher.js"
import type { Ask, OriginGovernor, Signal } from "../OriginGovernor.js"
import * as RetryPolicy from "../RetryPolicy.js"
import { type Durability, type Part, Store } from "../Store.js"
import { Transport } from "../Transport.js"
import * as Attempt from "./attempt.js"
import * as Digest from "./digest.js"
import * as DisplayUrl from "./displayUrl.js"
import { Kept } from "./kept.js"
import * as Printable from "./printable.js"
import type { Hop } from "./redirect.js"
import * as RequestHeaders from "./requestHeaders.js"
import type * as Segments from "./segments.js"
import { unchecked } from "./unchecked.js"
import * as Watch from "./watch.js"

/** What a transfer is told besides its request, and whom it tells. */
export interface Hooks {
  /**
   * Is told the outcome in the same uninterruptible step that publishes the file, or could not: a caller that is
   * interrupted a moment later still knows what stands there.
   */
  readonly decide: (outcome: Saved | Skipped | Failed) => void
  readonly ask?: Ask | undefined
  readonly event?: ((event: DownloadEvent) => Effect.Effect<void>) | undefined
}

export type Transfer = (request: DownloadRequest, hooks: Hooks) => Effect.Effect<Saved | Skipped, DownloadError>

export interface TransferOptions {
  readonly retry: RetryPolicy.RetryPolicy
  readonly headersTimeout: Duration.Duration
  readonly stall: { readonly bytes: number; readonly within: Duration.Duration }
  readonly durability: Durability
  readonly strict: boolean
  /** Where a file may have more than one connection. */
  readonly segments?: Segments.Rule | undefined
}

/** The wait for the next origin's permit is not the server's doing. */
interface Redirected {
  readonly _tag: "Redirected"
  readonly to: Hop
  readonly leftMillis: number
}

// `Advanced` is told at most every 200 ms.
const tellMillis = 200

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
    const stall = { bytes: options.stall.bytes, millis: Duration.toMillis(options.stall.within) }
    const watch = yield* Watch.make(stall)
    const headersMillis = Duration.toMillis(options.headersTimeout)

    const now = (): number => Number(clock.unsafeCurrentTimeNanos()) / 1e6

    const report = (origin: string, beganAt: number): Effect.Effect<void> | undefined => {
      if (governor.atOnce === undefined) {
        return governor.report(origin, "success", beganAt)
      }
      governor.atOnce.report(origin, "success", beganAt)
      return undefined
    }

    /** Runs it uninterruptible, and waits for the permit interruptible. */
    const withPermit = <A, E>(
      origin: string,
      ask: Ask | undefined,
      use: (origin: string) => Effect.Effect<A, E>
    ): Effect.Effect<A, E> =>
      Effect.uninterruptible(
        Effect.suspend(() => {
          const release = governor.atOnce?.permit(origin, ask)
          return release === undefined
            ? Effect.interruptible(
                governor.withPermit(origin, ask)(Effect.uninterruptible(Effect.suspend(() => use(origin))))
              )
            : Effect.matchCauseEffect(
                Effect.suspend(() => use(origin)),
                {
                  onSuccess: (value) => {
                    release()
                    return Effect.succeed(value)
                  },
                  onFailure: (cause) => {
                    release()
                    return Effect.failCause(cause)
                  }
                }
              )
        })
      )

    const waitFrom = (at: number, totalAt: number): Watch.Wait => ({
      phase: "headers",
      headersAt: at + headersMillis,
      totalAt,
      windowAt: at,
      windowBytes: 0,
      resting: false
    })

    /** What helpers of an attempt need; none where the governor cannot say at once what is free. */
    const segmentsOf = (
      rule: Segments.Rule,
      origin: string,
      ask: Ask | undefined,
      of: Pick<Segments.Means, "wait" | "watched" | "failed">
    ): Segments.Means | undefined => {
      const { atOnce } = governor
      if (atOnce?.spare === undefined) {
        return undefined
      }
      const { again, report, spare } = atOnce
      return {
        ...of,
        rule,
        scope,
        spare: (onWanted) => spare(origin, onWanted, ask),
        again: () => again?.(origin) ?? false,
        succeeded: (at) => Effect.sync(() => report(origin, "success", at))
      }
    }

    /** From the first hop to the published file. */
    const carry = (
      request: DownloadRequest,
      url: URL,
      expected: Digest.Expected | undefined,
      hooks: Hooks
    ): Effect.Effect<Saved | Skipped, DownloadError> => {
      const kept = new Kept(request, expected, hasher)
      const totalMillis = Duration.toMillis(request.timeout)
      let toldAt = 0
      let startedAt: number | undefined
      // Attempts and time are counted from the last one that brought the file further than any before.
      let furthestBytes = 0
      let failures = 0

      const advanced = (): Effect.Effect<void> | undefined => {
        const at = hooks.event === undefined ? 0 : clock.unsafeCurrentTimeMillis()
        if (hooks.event === undefined || at - toldAt < tellMillis) {
          return undefined
        }
        toldAt = at
        return hooks.event(new Advanced({ request, bytes: kept.bytes, totalBytes: kept.totalBytes }, unchecked))
      }

      const go = (
        hop: Hop,
        attempts: number,
        leftMillis = totalMillis
      ): Effect.Effect<Saved | Skipped, DownloadError> =>
        Effect.flatMap(
          withPermit(hop.url.origin, hooks.ask, (origin) => held(origin, hop, attempts, leftMillis)),
          (result) =>
            result._tag === "Redirected" ? go(result.to, attempts, result.leftMillis) : Effect.succeed(result)
        )

      // Uninterruptible but for the waits.
      const held = (
        origin: string,
        hop: Hop,
        attempts: number,
        leftMillis: number
      ): Effect.Effect<Saved | Skipped | Redirected, DownloadError> => {
        const beganAt = now()
        startedAt ??= beganAt
        toldAt = hooks.event === undefined ? 0 : clock.unsafeCurrentTimeMillis()
        const wait = waitFrom(beganAt, beganAt + leftMillis)
        const timedOut = (phase: Watch.Phase) =>
          new Timeout({
            url: DisplayUrl.displayUrl(hop.url.href),
            phase,
            limitMillis: { headers: headersMillis, stall: stall.millis, total: totalMillis }[phase],
            receivedBytes: kept.bytes
          })
        const { close, work } = Attempt.begin({
          request,
          transport,
          store,
          hop,
          kept,
          wait,
          now,
          expected,
          strict: options.strict,
          restMillis: (bytes) => governor.restMillis(origin, bytes),
          refused: (error) => cool(origin, error, beganAt),
          advanced,
          segments:
            options.segments === undefined
              ? undefined
              : segmentsOf(options.segments, origin, hooks.ask, {
                  wait: () => waitFrom(now(), wait.totalAt),
                  watched: (one) => watch.watched(one, timedOut),
                  failed: (error, at) => cool(origin, error, at)
                })
        })
        // Around the waits alone: the publish must neither be raced nor cut short.
        return Effect.matchCauseEffect(watch.watched(wait, timedOut)(work), {
          onSuccess: (result) =>
            Effect.flatMap(close, () => {
              const told = report(origin, beganAt)
              const rest: Effect.Effect<Saved | Skipped | Redirected, DownloadError> =
                result._tag === "Redirected"
                  ? Effect.sync(() => ({ ...result, leftMillis: wait.totalAt - now() }))
                  : publish(result.part, request, result, attempts, hooks.decide)
              return told === undefined ? rest : Effect.zipRight(told, rest)
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
      }

      const cool = (origin: string, error: DownloadError, beganAt: number): Effect.Effect<void> =>
        Effect.suspend(() => {
          const asked = RetryPolicy.askedMillis(options.retry, error)
          return Effect.zipRight(
            governor.report(origin, signalOf(error), beganAt),
            asked > 0 && isOverload(error) ? governor.pause(origin, Duration.millis(asked)) : Effect.void
          )
        })

      const attempt = (attempts: number): Effect.Effect<Saved | Skipped, DownloadError> =>
        Effect.catchAll(go({ url, count: 0, isFirstOrigin: true }, attempts), (error) =>
          Effect.gen(function* () {
            const at = now()
            if (kept.bytes > furthestBytes) {
              furthestBytes = kept.bytes
              failures = 0
              startedAt = at
            }
            failures++
            const delayMillis = RetryPolicy.delayMillis(options.retry, {
              error,
              attempt: failures,
              elapsedMillis: at - (startedAt ?? at),
              random: yield* Random.next
            })
            // What a disk did to a part cannot be taken back.
            if (delayMillis === undefined || error._tag === "Disk") {
              return yield* error
            }
            if (hooks.event !== undefined) {
              yield* hooks.event(new Retrying({ request, error, attempt: attempts, delayMillis }, unchecked))
            }
            const parked = (is: boolean) => Effect.sync(() => hooks.ask?.onParked?.(is))
            yield* Effect.acquireUseRelease(
              parked(true),
              () => Effect.sleep(Duration.millis(Math.ceil(delayMillis))),
              () => parked(false)
            )
            return yield* attempt(attempts + 1)
          })
        )

      return Effect.ensuring(
        attempt(1),
        Effect.suspend(() => kept.discard)
      )
    }

    const publish = (
      part: Part,
      request: DownloadRequest,
      { bytes, verified }: { readonly bytes: number; readonly verified: boolean },
      attempts: number,
      decide: Hooks["decide"]
    ): Effect.Effect<Saved | Skipped, DownloadError> =>
      Effect.matchEffect(part.publish({ onExists: request.onExists, durability: options.durability }), {
        onSuccess: (destination) => {
          const outcome =
            destination === undefined
              ? new Skipped({ request }, unchecked)
              : new Saved({ request, destination, bytes, verified, attempts }, unchecked)
          decide(outcome)
          return Effect.succeed(outcome)
        },
        // An interruption would take its place, although the file may stand there.
        onFailure: (error) => {
          decide(new Failed({ request, error }, unchecked))
          return Effect.fail(error)
        }
      })

    return (request, hooks) =>
      admit(store, request, hooks.decide, (url, expected) => carry(request, url, expected, hooks))
  })

/** Refuses what no transport could carry, and looks whether it is there already; else carries it. */
export const admit = (
  store: typeof Store.Service,
  request: DownloadRequest,
  decide: Hooks["decide"],
  carry: (url: URL, expected: Digest.Expected | undefined) => Effect.Effect<Saved | Skipped, DownloadError>
): Effect.Effect<Saved | Skipped, DownloadError> =>
  Effect.suspend(() => {
    const url = DisplayUrl.parse(request.url)
    const expected = request.digest === undefined ? undefined : Digest.parse(request.digest)
    const refused = refusalOf(request, url, expected)
    return url === undefined || refused !== undefined
      ? new InvalidRequest({ url: DisplayUrl.displayUrl(request.url), detail: refused ?? "" })
      : unlessThere(store, request, decide, carry(url, expected))
  })

const refusalOf = (
  request: DownloadRequest,
  url: URL | undefined,
  expected: Digest.Expected | undefined
): string | undefined => {
  if (url === undefined) {
    return /^https?:\/\//i.test(request.url) ? "it is not a valid URL" : "it is not an absolute URL"
  }
  if (!DisplayUrl.isHttp(url)) {
    return `${url.protocol} is neither http: nor https:`
  }
  // The platform would leave them out, or ask for what they are put in place of.
  if (/[\u0000-\u001f\u007f\ufffd]/.test(request.url.trim())) {
    return "it has a control character in it, or bytes that are not UTF-8"
  }
  if (request.digest !== undefined && expected === undefined) {
    return "its digest is neither sha256:… nor a Subresource Integrity string"
  }
  return RequestHeaders.refusal(request)
}

const unlessThere = (
  store: typeof Store.Service,
  request: DownloadRequest,
  decide: (outcome: Skipped) => void,
  transfer: Effect.Effect<Saved | Skipped, DownloadError>
): Effect.Effect<Saved | Skipped, DownloadError> =>
  request.onExists === "overwrite" || request.onExists === "unique"
    ? transfer
    : Effect.flatMap(store.exists(request.destination), (there) => {
        if (!there) {
          return transfer
        }
        if (request.onExists === "fail") {
          return new Disk({ path: Printable.line(request.destination), reason: "exists", detail: "" })
        }
        const outcome = new Skipped({ request }, unchecked)
        decide(outcome)
        return Effect.succeed(outcome)
      })

const isOverload = (error: DownloadError): boolean =>
  error._tag === "HttpStatus" && (error.status === 429 || error.status === 503)

/** What a failure says of its origin: that it had too much, or nothing. */
const signalOf = (error: DownloadError): Signal => {
  switch (error._tag) {
    case "Timeout":
      return "overload"
    case "HttpStatus":
      return isOverload(error) ? "overload" : "neutral"
    case "Connection":
      return error.reason === "reset" || error.reason === "refused" ? "overload" : "neutral"
    default:
      return "neutral"
  }
}
