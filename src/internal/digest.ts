/**
 * Digests as people write them: `sha256:` and hexadecimal digits, or Subresource Integrity strings (W3C SRI §3.5).
 *
 * @internal
 */

import * as Either from "effect/Either"
import * as Encoding from "effect/Encoding"

/** The algorithms that a digest can name. */
export type Algorithm = "sha256" | "sha384" | "sha512"

export interface Expected {
  readonly algorithm: Algorithm
  /** Any of these, in hexadecimal digits. */
  readonly digests: ReadonlyArray<string>
}

const algorithms: ReadonlyArray<Algorithm> = ["sha256", "sha384", "sha512"]

const lengths: { readonly [algorithm in Algorithm]: number } = { sha256: 32, sha384: 48, sha512: 64 }

/** The digests of the strongest algorithm in the text, or undefined where the text is none. */
export const parse = (text: string): Expected | undefined => {
  const found = text
    .trim()
    .split(/\s+/)
    .map((one) => parseOne(one))
  if (!found.every((one) => one !== undefined)) {
    return undefined
  }
  const strongest = found.reduce((a, b) => (algorithms.indexOf(b.algorithm) > algorithms.indexOf(a.algorithm) ? b : a))
  return {
    algorithm: strongest.algorithm,
    digests: found.filter(({ algorithm }) => algorithm === strongest.algorithm).map(({ digest }) => digest)
  }
}

const parseOne = (text: string): { readonly algorithm: Algorithm; readonly digest: string } | undefined => {
  // What follows a question mark are options, of which none is defined.
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
