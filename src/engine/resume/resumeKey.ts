/**
 * The keys of kept parts and of their sources: digests, because a URL may contain secrets.
 *
 * @internal
 */
import * as RequestHeaders from "../../Download/requestHeaders.js"
import { type Hasher, sha256Hex } from "../../Hasher.js"
import type { Expected } from "../../internal/digest.js"
import type { Hop } from "../redirect.js"

type Hashes = typeof Hasher.Service

/**
 * The key of the part of a request: the digest of its content if the request has one, so that another URL of the same content
 * continues the part, or else the URL without user-info and fragment.
 */
export const ofRequest = (hasher: Hashes, hop: Hop, expected: Expected | undefined): string =>
  sha256Hex(
    hasher,
    expected === undefined
      ? RequestHeaders.requestUrl(hop)
      : `${expected.algorithm}:${[...expected.digests].sort().join(" ")}`
  )

/** The URL without its query, which often has a signature that changes. */
export const sourceOf = ({ url }: Hop): string => `${url.origin}${url.pathname}`

export const ofSource = (hasher: Hashes, hop: Hop): string => sha256Hex(hasher, sourceOf(hop))
