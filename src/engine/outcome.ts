/**
 * Outcomes of transfers: for another request, and as an exit.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
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
