/**
 * Makes the outcome of a published file.
 *
 * @internal
 */
import { Saved } from "../Download.js"
import * as Validator from "../internal/http/validator.js"
import * as Unvalidated from "../internal/unvalidated.js"
import type { Received } from "./attempt.js"
import type { FileTransfer } from "./fileTransfer.js"

export const savedAs = (
  destination: string,
  { bytes, verified }: Received,
  attempts: number,
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
    url: source.href,
    status: head?.status ?? 206,
    ...(mediaType === "" ? {} : { mediaType }),
    ...(etag === undefined ? {} : { etag }),
    ...(lastModified === undefined ? {} : { lastModified }),
    ...(serverName === undefined ? {} : { serverName }),
    ...(computed === undefined ? {} : { digest: computed })
  })
}
