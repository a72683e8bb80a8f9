/**
 * Before a transfer: whether the request is valid, and whether the file exists already.
 *
 * @internal
 */
import type * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as RequestProblem from "../Download/requestProblem.js"
import type { DownloadRequest } from "../Download.js"
import { Disk, InvalidRequest } from "../DownloadError.js"
import { andThen } from "../internal/andThen.js"
import * as Digest from "../internal/digest.js"
import * as DisplayUrl from "../internal/text/displayUrl.js"
import * as NormalizedUrl from "../internal/text/normalizedUrl.js"
import * as Printable from "../internal/text/printable.js"
import type { Store } from "../Store.js"
import { Hop } from "./redirect.js"

/** A valid request, with the parsed values of its fields. */
export interface Checked {
  readonly hop: Hop
  readonly expected: Digest.Expected | undefined
}

// A host name has at most 253 characters (RFC 1035 §2.3.4).
const hostLengthAtMost = 253

/** Parses the URL and the digest of a request, or returns why a transfer of it is not possible. */
export const checkRequest = (request: DownloadRequest): Either.Either<Checked, InvalidRequest> => {
  const { digest, url } = request
  const origin = NormalizedUrl.originOf(url)
  const isPlain = origin !== undefined && origin.length <= hostLengthAtMost
  const problem = (isPlain ? undefined : RequestProblem.ofUrl(url)) ?? RequestProblem.ofOtherFields(request)
  const href = isPlain ? url : DisplayUrl.parse(url)?.href
  return href === undefined || problem !== undefined
    ? Either.left(new InvalidRequest({ url: DisplayUrl.displayUrl(url), detail: problem ?? "" }))
    : Either.right({
        hop: new Hop(href, 0, true, request.method ?? (request.body === undefined ? "GET" : "POST"), request.body),
        expected: digest === undefined ? undefined : Digest.parse(digest)
      })
}

/** True if a file exists at the destination and the request skips it; fails if the request must not find a file. */
export const isSkipped = (
  store: typeof Store.Service,
  { onExists }: DownloadRequest,
  destination: string
): Effect.Effect<boolean, Disk> =>
  onExists === "overwrite" || onExists === "unique"
    ? Exit.succeed(false)
    : andThen(store.stat(destination), (found) =>
        found !== undefined && onExists === "fail"
          ? Exit.fail(new Disk({ path: Printable.line(destination), reason: "exists", detail: "" }))
          : Exit.succeed(found !== undefined)
      )
