/**
 * From a transfer to its one outcome, and from an outcome to the exit it stands for.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import { Cancelled, type DownloadOutcome, type DownloadRequest, Failed, Saved, Skipped } from "../Download.js"
import type { DownloadError } from "../DownloadError.js"
import * as Unvalidated from "../internal/unvalidated.js"
import type { Hooks } from "./hooks.js"
import type { Quick } from "./quick.js"
import type { Transfer } from "./transfer.js"

/** Turns interruption on again where it is off. */
export type Restore = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

/**
 * Runs one transfer to its outcome, an interrupted one included. Interruption is off throughout, except that `restore`
 * turns it on for the transfer.
 */
export const settle = (
  transfer: Transfer,
  request: DownloadRequest,
  restore: Restore,
  hooks: Omit<Hooks, "decide"> = {}
): Effect.Effect<DownloadOutcome> =>
  Effect.uninterruptible(
    Effect.suspend(() => {
      const quick = transfer.quick?.(request, hooks)
      if (quick === undefined) {
        return whole(transfer, request, restore, hooks)
      }
      return Effect.matchCauseEffect(restore(quick.attempt), {
        onSuccess: (): Effect.Effect<DownloadOutcome> => {
          const { idle, outcome } = quick
          if (outcome !== undefined && outcome._tag !== "Saved") {
            return Effect.as(quick.undo, outcome)
          }
          if (outcome !== undefined) {
            return idle === undefined ? Effect.succeed(outcome) : Effect.as(idle, outcome)
          }
          return quick.begun === undefined
            ? whole(transfer, request, restore, hooks)
            : Effect.ensuring(whole(transfer, request, restore, hooks, quick), quick.undo)
        },
        onFailure: (cause) =>
          Effect.flatMap(quick.undo, () =>
            quick.outcome === undefined
              ? fromCause(request, cause)
              : Effect.as(
                  Cause.isDie(cause)
                    ? Effect.logError("A bug was met after the outcome of a transfer was decided.", cause)
                    : Effect.void,
                  quick.outcome
                )
          )
      })
    })
  )

const whole = (
  transfer: Transfer,
  request: DownloadRequest,
  restore: Restore,
  hooks: Omit<Hooks, "decide">,
  quick?: Quick
): Effect.Effect<DownloadOutcome> =>
  Effect.suspend(() => {
    let decided: DownloadOutcome | undefined
    const decide = (outcome: DownloadOutcome) => {
      decided = outcome
    }
    const all = { ...hooks, decide }
    const work = quick === undefined || transfer.goOn === undefined ? transfer(request, all) : transfer.goOn(quick, all)
    return Effect.matchCauseEffect(restore(work), {
      onSuccess: (outcome): Effect.Effect<DownloadOutcome> => Effect.succeed(decided ?? outcome),
      onFailure: (cause) => (decided === undefined ? fromCause(request, cause) : Effect.succeed(decided))
    })
  })

const fromCause = (request: DownloadRequest, cause: Cause.Cause<DownloadError>): Effect.Effect<DownloadOutcome> => {
  const failure = Cause.failureOrCause(cause)
  if (failure._tag === "Left") {
    return Effect.succeed(Unvalidated.make(Failed, { request, error: failure.left }))
  }
  return Cause.isInterruptedOnly(failure.right)
    ? Effect.succeed(Unvalidated.make(Cancelled, { request }))
    : Effect.failCause(failure.right)
}

/** The outcome of another request for the same file, as this one's own. */
export const withRequest = (request: DownloadRequest, outcome: DownloadOutcome): DownloadOutcome => {
  if (outcome.request === request) {
    return outcome
  }
  switch (outcome._tag) {
    case "Saved":
      return Unvalidated.make(Saved, { ...outcome, request })
    case "Skipped":
      return Unvalidated.make(Skipped, { request })
    case "Failed":
      return Unvalidated.make(Failed, { request, error: outcome.error })
    case "Cancelled":
      return Unvalidated.make(Cancelled, { request })
  }
}

/** The outcome as an exit: a file that is there, a typed failure, or an interruption. */
export const toExit = (outcome: DownloadOutcome): Effect.Effect<Saved | Skipped, DownloadError> => {
  switch (outcome._tag) {
    case "Failed":
      return Effect.fail(outcome.error)
    case "Cancelled":
      return Effect.interrupt
    default:
      return Effect.succeed(outcome)
  }
}
