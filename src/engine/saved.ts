/**
 * How the file of a transfer is published, and the outcomes of a file that is at its destination.
 *
 * @internal
 */
import { type DownloadRequest, NotModified, Saved, Skipped } from "../Download.js"
import { parseHttpDate } from "../internal/http/retryAfter.js"
import * as Validator from "../internal/http/validator.js"
import * as Unvalidated from "../internal/unvalidated.js"
import type { PublishOptions } from "../Store.js"
import type { Received } from "./attempt.js"
import type { FileTransfer } from "./fileTransfer.js"
import type { Unchanged } from "./localFile.js"

export const isUpdated = ({ onExists }: DownloadRequest): boolean => onExists === "update" || onExists === "sync"

/** A file that was not there when the transfer began is not replaced: another program has made it in the meantime. */
export const publishMode = ({ local, request: { onExists } }: FileTransfer): PublishOptions["onExists"] => {
  if (onExists === "update" || onExists === "sync") {
    return local === undefined ? "fail" : "overwrite"
  }
  return onExists
}

/** The date of the last modification on the server, or else the time now. A date in the future is not valid (RFC 9110 §8.8.2.1). */
export const modifiedMillisOf = ({ clock, options: { mtime }, partial: { head } }: FileTransfer): number => {
  const now = clock.unsafeCurrentTimeMillis()
  const date = mtime ? head?.headers["last-modified"] : undefined
  const at = date === undefined ? undefined : parseHttpDate(date.trim(), now)
  return at === undefined || at < 0 ? now : Math.min(at, now)
}

export const unchangedOutcome = (
  { destination, request }: FileTransfer,
  unchanged: Unchanged
): Skipped | NotModified => {
  const path = destination === request.destination ? {} : { destination }
  if (unchanged.how === "NotModified") {
    return Unvalidated.make(NotModified, { request, file: unchanged.file, ...path })
  }
  const { file, how } = unchanged
  return Unvalidated.make(Skipped, { request, reason: how, ...(file === undefined ? {} : { file }), ...path })
}

export const savedAs = (
  destination: string,
  { bytes, verified }: Received,
  attempts: number,
  modifiedMillis: number,
  { firstHop, partial, request, serverName }: FileTransfer
): Saved => {
  const { computed, head, source = firstHop } = partial
  const headers = head?.headers ?? {}
  const mediaType = Validator.mediaType(headers)
  const { etag, "last-modified": lastModified } = headers
  return Unvalidated.make(Saved, {
    request,
    destination,
    bytes,
    verified,
    attempts,
    modifiedMillis,
    url: source.href,
    status: head?.status ?? 206,
    ...(mediaType === "" ? {} : { mediaType }),
    ...(etag === undefined ? {} : { etag }),
    ...(lastModified === undefined ? {} : { lastModified }),
    ...(serverName === undefined ? {} : { serverName }),
    ...(computed === undefined ? {} : { digest: computed })
  })
}
