/**
 * The port that computes digests while bytes arrive. The default is portable. `halyard/Node` uses the functions of Node, which are
 * several times faster.
 *
 * @since 0.2.0
 */
import { md5, sha1 } from "@noble/hashes/legacy.js"
import { sha256, sha384, sha512 } from "@noble/hashes/sha2.js"
import * as Context from "effect/Context"
import * as Encoding from "effect/Encoding"
import type * as Digest from "./internal/digest.js"

/**
 * The algorithms, weakest first. `md5` and `sha1` detect errors only: an attacker can make other content with the same digest.
 *
 * @category models
 * @since 0.2.0
 */
export type Algorithm = Digest.Algorithm

/**
 * The computation of one digest.
 *
 * @category models
 * @since 0.2.0
 */
export interface Hash {
  readonly update: (chunk: Uint8Array) => void
  /** Ends the computation, and returns the digest. Call it once. */
  readonly digest: () => Uint8Array
}

/**
 * Starts the computation of digests.
 *
 * A downloader uses the `Hasher` in the context of the program that calls `download` or `run`, or else the `Hasher` in the context
 * in which its layer was built. If neither context has one, the downloader uses the portable default.
 *
 * @category tags
 * @since 0.2.0
 */
export class Hasher extends Context.Reference<Hasher>()("halyard/Hasher", {
  defaultValue: (): {
    readonly make: (algorithm: Algorithm) => Hash
    /** Returns the digest of a short text, in hexadecimal digits. The text is hashed as UTF-8. */
    readonly ofText: (algorithm: Algorithm, text: string) => string
  } => ({ make: portable, ofText: portableOfText })
}) {}

/**
 * Returns the SHA-256 of a text in hexadecimal digits. The last few hundred results are kept, because the steps of one file need the
 * digest of the same URL: without that, small files take 5 % longer.
 *
 * @internal
 */
export const sha256Hex = (hasher: typeof Hasher.Service, text: string): string => {
  let known = recent.get(hasher)
  if (known === undefined || known.size === recentAtMost) {
    known = new Map()
    recent.set(hasher, known)
  }
  let digest = known.get(text)
  if (digest === undefined) {
    digest = hasher.ofText("sha256", text)
    known.set(text, digest)
  }
  return digest
}

const recent = new WeakMap<typeof Hasher.Service, Map<string, string>>()

const recentAtMost = 512

const functions = { md5, sha1, sha256, sha384, sha512 }

const portable = (algorithm: Algorithm): Hash => {
  const hash = functions[algorithm].create()
  return {
    update: (chunk) => {
      hash.update(chunk)
    },
    digest: () => hash.digest()
  }
}

const portableOfText = (algorithm: Algorithm, text: string): string =>
  Encoding.encodeHex(functions[algorithm](new TextEncoder().encode(text)))
