/**
 * Before a transfer: whether the request can be carried out, and whether the file is there already.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import { type DownloadRequest, type Saved, Skipped } from "../Download.js"
import { Disk, type DownloadError, InvalidRequest } from "../DownloadError.js"
import type { Store } from "../Store.js"
import * as Digest from "./digest.js"
import * as DisplayUrl from "./displayUrl.js"
import type { Hooks } from "./hooks.js"
import * as Limits from "./limits.js"
import * as Printable from "./printable.js"
import { isDestination } from "./quick.js"
import * as RequestHeaders from "./requestHeaders.js"
import * as Unchecked from "./unchecked.js"

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

/** Why a URL cannot be fetched, or undefined if it can. */
export const urlRefusal = (text: string, url: URL | undefined = DisplayUrl.parse(text)): string | undefined => {
  if (url === undefined) {
    return /^https?:\/\//i.test(text) ? "it is not a valid URL" : "it is not an absolute URL"
  }
  if (!DisplayUrl.isHttp(url)) {
    return `${url.protocol} is neither http: nor https:`
  }
  // The platform would leave them out, or ask for what they are put in place of.
  return /[\u0000-\u001f\u007f\ufffd]/.test(text.trim())
    ? "it has a control character in it, or bytes that are not UTF-8"
    : undefined
}

const refusalOf = (
  request: DownloadRequest,
  url: URL | undefined,
  expected: Digest.Expected | undefined
): string | undefined => {
  const refused = urlRefusal(request.url, url)
  if (refused !== undefined) {
    return refused
  }
  if (!isDestination(request.destination)) {
    return "its destination is empty, or has a NUL in it"
  }
  if (request.digest !== undefined && expected === undefined) {
    return "its digest is neither sha256:… nor a Subresource Integrity string"
  }
  return Limits.refusal(request) ?? RequestHeaders.refusal(request)
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
        const outcome = Unchecked.make(Skipped, { request })
        decide(outcome)
        return Effect.succeed(outcome)
      })
