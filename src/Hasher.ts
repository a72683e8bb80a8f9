/**
 * The port that computes digests while bytes arrive. Portable by default; `halyard/Node` brings the platform's, which is
 * several times faster.
 *
 * @since 0.2.0
 */
import { sha256, sha384, sha512 } from "@noble/hashes/sha2.js"
import * as Context from "effect/Context"
import type * as Digest from "./internal/digest.js"

/**
 * The algorithms of Subresource Integrity, weakest first.
 *
 * @category models
 * @since 0.2.0
 */
export type Algorithm = Digest.Algorithm

/**
 * One computation.
 *
 * @category models
 * @since 0.2.0
 */
export interface Hash {
  readonly update: (chunk: Uint8Array) => void
  /** Ends the computation. */
  readonly digest: () => Uint8Array
}

/**
 * Begins computations.
 *
 * A downloader takes it from the context of the program that calls `download` or `run`, or else from the context in which its
 * layer was built. If neither has one, it uses the portable functions.
 *
 * @category tags
 * @since 0.2.0
 */
export class Hasher extends Context.Reference<Hasher>()("halyard/Hasher", {
  defaultValue: (): { readonly make: (algorithm: Algorithm) => Hash } => ({ make: portable })
}) {}

const functions = { sha256, sha384, sha512 }

const portable = (algorithm: Algorithm): Hash => {
  const hash = functions[algorithm].create()
  return {
    update: (chunk) => {
      hash.update(chunk)
    },
    digest: () => hash.digest()
  }
}
