/**
 * Parses digests: `sha256:` and hexadecimal digits, or Subresource Integrity strings (W3C SRI §3.5).
 */

import * as Either from "effect/Either"
import * as Encoding from "effect/Encoding"

/** The supported algorithms, as a digest names them. */
export type Algorithm = "sha256" | "sha384" | "sha512"

export interface Expected {
  readonly algorithm: Algorithm
  /** The accepted digests, in hexadecimal digits. */
  readonly digests: ReadonlyArray<string>
}

// Weakest first.
const algorithms: ReadonlyArray<Algorithm> = ["sha256", "sha384", "sha512"]

const lengths: { readonly [algorithm in Algorithm]: number } = { sha256: 32, sha384: 48, sha512: 64 }

/** Returns the digests of the strongest algorithm in the text. Returns undefined if the text is not a list of digests. */
export const parse = (text: string): Expected | undefined => {
  const parsed = text.trim().split(/\s+/).map(parseDigest)
  if (!parsed.every((digest) => digest !== undefined)) {
    return undefined
  }
  const algorithm = algorithms.findLast((name) => parsed.some((digest) => digest.algorithm === name))
  return algorithm && { algorithm, digests: parsed.flatMap((it) => (it.algorithm === algorithm ? [it.digest] : [])) }
}

const parseDigest = (text: string): { readonly algorithm: Algorithm; readonly digest: string } | undefined => {
  // Options may follow a question mark. No options are defined (W3C SRI §3.5).
  const match = /^(sha256|sha384|sha512)([:-])([^?]*)(?:\?.*)?$/i.exec(text)
  const algorithm = algorithms.find((name) => name === match?.[1]?.toLowerCase())
  if (match === null || algorithm === undefined) {
    return undefined
  }
  const [, , separator, value = ""] = match
  const bytes =
    separator === ":"
      ? Encoding.decodeHex(value.toLowerCase())
      : Encoding.decodeBase64(value.replaceAll("-", "+").replaceAll("_", "/"))
  return Either.isRight(bytes) && bytes.right.length === lengths[algorithm]
    ? { algorithm, digest: Encoding.encodeHex(bytes.right) }
    : undefined
}
