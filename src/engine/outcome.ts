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

/** What became of the received bytes of a transfer that has saved no file. */
export type Left = Pick<Cancelled, "keptBytes" | "discarded">

/** The outcome of a transfer that has saved no file. `attempts`: 0 if it has sent no request. */
export const ofCause = (
  request: DownloadRequest,
  cause: Cause.Cause<DownloadError>,
  left: Left,
  attempts: number
): Effect.Effect<DownloadOutcome> => {
  const failure = Cause.failureOrCause(cause)
  if (Either.isLeft(failure)) {
    return Exit.succeed(Unvalidated.make(Failed, { request, error: failure.left, ...left }))
  }
  return Cause.isInterruptedOnly(failure.right)
    ? Exit.succeed(Unvalidated.make(Cancelled, { request, attempts, ...left }))
    : Exit.failCause(failure.right)
}
