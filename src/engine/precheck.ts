/**
 * Before a transfer: whether the request can be carried out, and whether the file is there already.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as RequestProblem from "../Download/requestProblem.js"
import { type DownloadRequest, type Saved, Skipped } from "../Download.js"
import { Disk, type DownloadError, InvalidRequest } from "../DownloadError.js"
import * as Digest from "../internal/digest.js"
import * as DisplayUrl from "../internal/text/displayUrl.js"
import * as Printable from "../internal/text/printable.js"
import * as Unvalidated from "../internal/unvalidated.js"
import type { Store } from "../Store.js"
import type { Hooks } from "./hooks.js"

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
    const refused = RequestProblem.ofUrl(request.url) ?? RequestProblem.ofOtherFields(request)
    return url === undefined || refused !== undefined
      ? new InvalidRequest({ url: DisplayUrl.displayUrl(request.url), detail: refused ?? "" })
      : unlessThere(store, request, decide, carry(url, expected))
  })

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
        const outcome = Unvalidated.make(Skipped, { request })
        decide(outcome)
        return Effect.succeed(outcome)
      })
