/**
 * Outcomes of transfers: of a failure, for another request, and as an exit.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import {
  Cancelled,
  type DownloadOutcome,
  type DownloadRequest,
  Failed,
  NotModified,
  Saved,
  Skipped
} from "../Download.js"
import type { DownloadError } from "../DownloadError.js"
import * as Unvalidated from "../internal/unvalidated.js"

/** The outcome with another request for the same file in its place. */
export const withRequest = (request: DownloadRequest, outcome: DownloadOutcome): DownloadOutcome => {
  if (outcome.request === request) {
    return outcome
  }
  switch (outcome._tag) {
    case "Saved":
      return Unvalidated.make(Saved, { ...outcome, request })
    case "Skipped":
      return Unvalidated.make(Skipped, { ...outcome, request })
    case "NotModified":
      return Unvalidated.make(NotModified, { ...outcome, request })
    case "Failed":
      return Unvalidated.make(Failed, { ...outcome, request })
    case "Cancelled":
      return Unvalidated.make(Cancelled, { ...outcome, request })
  }
}

/** The outcome as an exit: a file that is at the destination, a typed failure, or an interruption. */
export const toExit = (outcome: DownloadOutcome): Effect.Effect<Saved | Skipped | NotModified, DownloadError> => {
  switch (outcome._tag) {
    case "Failed":
      return Effect.fail(outcome.error)
    case "Cancelled":
      return Effect.interrupt
    default:
      return Effect.succeed(outcome)
  }
}

/**
 * The outcome of a transfer that has saved no file. `bytes`: those that are kept for a later run. `attempts`: 0 if it has sent no
 * request.
 */
export const ofCause = (
  request: DownloadRequest,
  cause: Cause.Cause<DownloadError>,
  bytes: number,
  attempts: number
): Effect.Effect<DownloadOutcome> => {
  const failure = Cause.failureOrCause(cause)
  const kept = bytes === 0 ? {} : { keptBytes: bytes }
  if (Either.isLeft(failure)) {
    return Exit.succeed(Unvalidated.make(Failed, { request, error: failure.left, ...kept }))
  }
  return Cause.isInterruptedOnly(failure.right)
    ? Exit.succeed(Unvalidated.make(Cancelled, { request, attempts, ...kept }))
    : Exit.failCause(failure.right)
}
