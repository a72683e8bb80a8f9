/**
 * Computes digests with `node:crypto`.
 */
import { createHash } from "node:crypto"
import * as Layer from "effect/Layer"
import { Hasher } from "../Hasher.js"

export const layer: Layer.Layer<Hasher> = Layer.succeed(Hasher, {
  make: (algorithm) => {
    const hash = createHash(algorithm)
    return {
      update: (chunk) => {
        hash.update(chunk)
      },
      digest: () => hash.digest()
    }
  }
})
