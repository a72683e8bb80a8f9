/**
 * The metadata of a sample: a JSON object without secrets.
 *
 * @internal
 */
import type { Saved } from "../../Download.js"
import { displayUrl } from "../../internal/text/displayUrl.js"

const sha256 = "sha256:"

/** The metadata as bytes. A field whose value is not known is left out. */
export const encode = (key: string, path: string, sizeBytes: number, saved: Saved | undefined): Uint8Array =>
  new TextEncoder().encode(`${JSON.stringify({ key, file: path, bytes: sizeBytes, ...knownOf(saved) })}\n`)

const knownOf = (saved: Saved | undefined): object => {
  if (saved === undefined) {
    return {}
  }
  const { digest, etag, lastModified, mediaType, request, status } = saved
  const url = displayUrl(request.url)
  const finalUrl = displayUrl(saved.url)
  return {
    url,
    ...(finalUrl === url ? {} : { finalUrl }),
    status,
    ...(digest === undefined ? {} : digest.startsWith(sha256) ? { sha256: digest.slice(sha256.length) } : { digest }),
    // JSON leaves out what is undefined.
    mediaType,
    etag,
    lastModified
  }
}
