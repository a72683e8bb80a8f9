/**
 * Checks the complete content of a transfer.
 *
 * @internal
 */
import * as Either from "effect/Either"
import type { Verification } from "../Download.js"
import { Mismatch, Truncated } from "../DownloadError.js"
import { displayUrl } from "../internal/text/displayUrl.js"
import type { FileTransfer } from "./fileTransfer.js"
import type { PartialFile } from "./partialFile.js"
import type { Hop } from "./redirect.js"

/** Returns what the content was checked against, or the error if it is not the file. */
export const checkContent = (
  { options: { strict }, partial, request }: FileTransfer,
  hop: Hop
): Either.Either<Verification, Mismatch | Truncated> => {
  const { bytes, isResumed, totalBytes } = partial
  const mismatch = (reason: Mismatch["reason"], wanted: string, actual: string, resumed: boolean) =>
    Either.left(new Mismatch({ url: displayUrl(hop.href), reason, expected: wanted, actual, resumed }))
  if (totalBytes !== undefined && bytes < totalBytes) {
    return Either.left(truncated(partial, hop))
  }
  if (request.sizeBytes !== undefined && bytes !== request.sizeBytes) {
    partial.forget()
    return mismatch("size", `${request.sizeBytes}`, `${bytes}`, isResumed)
  }
  const actual = partial.digest() ?? ""
  if (partial.wanted !== undefined) {
    const { algorithm, digests } = partial.wanted
    if (!digests.some((digest) => actual === `${algorithm}:${digest}`)) {
      partial.refuseSegments()
      return mismatch("digest", `${algorithm}:${digests.join(" or ")}`, actual, isResumed)
    }
    return Either.right("digest")
  }
  const verified = totalBytes === undefined && request.sizeBytes === undefined ? "none" : "length"
  return strict && verified === "none" ? mismatch("unverifiable", "", "", false) : Either.right(verified)
}

/** The error for a response that has ended too early. */
export const truncated = ({ bytes, totalBytes }: PartialFile, hop: Hop): Truncated =>
  new Truncated({ url: displayUrl(hop.href), expectedBytes: totalBytes, receivedBytes: bytes })
