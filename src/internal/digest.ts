/**
 * Parses digests in every notation that is in use: `sha256:HEX`, aria2's `sha-256=HEX`, hexadecimal digits alone, and Subresource
 * Integrity strings (W3C SRI §3.5).
 */

import * as Either from "effect/Either"
import * as Encoding from "effect/Encoding"

/** The supported algorithms, as a digest names them. */
export type Algorithm = "md5" | "sha1" | "sha256" | "sha384" | "sha512"

export interface Expected {
  readonly algorithm: Algorithm
  /** The accepted digests, in hexadecimal digits. */
  readonly digests: ReadonlyArray<string>
}

/** States the notations, for the message about a wrong digest. */
export const rule = "must be sha256:HEX (or sha384, sha512, sha1, md5), HEX alone, or a Subresource Integrity string"

/** Weakest first. */
export const algorithms: readonly ["md5", "sha1", "sha256", "sha384", "sha512"] = [
  "md5",
  "sha1",
  "sha256",
  "sha384",
  "sha512"
]

const byteLengths: { readonly [algorithm in Algorithm]: number } = {
  md5: 16,
  sha1: 20,
  sha256: 32,
  sha384: 48,
  sha512: 64
}

/** Returns the algorithm with this name: `sha256`, `SHA-256` and, as OpenSSL writes it, `SHA2-256`. */
export const algorithmOf = (name: string): Algorithm | undefined => {
  const plain = name.toLowerCase().replace(/^sha2?-/, "sha")
  return algorithms.find((algorithm) => algorithm === plain)
}

/** Returns the algorithm whose digests have this number of hexadecimal digits. */
export const algorithmOfLength = (digits: number): Algorithm | undefined =>
  algorithms.find((algorithm) => byteLengths[algorithm] * 2 === digits)

/** Returns the digests of the strongest algorithm in the text. Returns undefined if the text is not a list of digests. */
export const parse = (text: string): Expected | undefined => {
  const parsed = text.trim().split(/\s+/).map(parseDigest)
  if (!parsed.every((digest) => digest !== undefined)) {
    return undefined
  }
  const algorithm = algorithms.findLast((name) => parsed.some((digest) => digest.algorithm === name))
  return algorithm && { algorithm, digests: parsed.flatMap((it) => (it.algorithm === algorithm ? [it.digest] : [])) }
}

interface Parsed {
  readonly algorithm: Algorithm
  readonly digest: string
}

const parseDigest = (text: string): Parsed | undefined => {
  const separator = text.search(/[:=]/)
  const named = algorithmOf(text.slice(0, Math.max(0, separator)))
  if (named !== undefined) {
    return fromHex(named, text.slice(separator + 1))
  }
  const hyphen = text.indexOf("-")
  return hyphen < 0
    ? fromHex(algorithmOfLength(text.length), text)
    : fromBase64(algorithmOf(text.slice(0, hyphen)), text.slice(hyphen + 1))
}

const fromHex = (algorithm: Algorithm | undefined, text: string): Parsed | undefined =>
  checked(algorithm, Encoding.decodeHex(text.toLowerCase()))

// Options may follow a question mark. No options are defined (W3C SRI §3.5).
const fromBase64 = (algorithm: Algorithm | undefined, text: string): Parsed | undefined =>
  checked(algorithm, Encoding.decodeBase64((text.split("?", 1)[0] ?? "").replaceAll("-", "+").replaceAll("_", "/")))

const checked = (algorithm: Algorithm | undefined, bytes: Either.Either<Uint8Array, unknown>): Parsed | undefined =>
  algorithm !== undefined && Either.isRight(bytes) && bytes.right.length === byteLengths[algorithm]
    ? { algorithm, digest: Encoding.encodeHex(bytes.right) }
    : undefined
