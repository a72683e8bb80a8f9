/**
 * Computes digests with `node:crypto`.
 */
import * as Crypto from "node:crypto"
import * as Layer from "effect/Layer"
import { Hasher } from "../Hasher.js"

const hashOf: typeof Crypto.hash | undefined = Crypto.hash

export const layer: Layer.Layer<Hasher> = Layer.succeed(Hasher, {
  make: (algorithm) => {
    const hash = Crypto.createHash(algorithm)
    return {
      update: (chunk) => {
        hash.update(chunk)
      },
      digest: () => hash.digest()
    }
  },
  // An object for each text takes six times as long, and the collector has to call its finalizer. Node has `hash` since 20.12.
  ofText: (algorithm, text) =>
    hashOf === undefined
      ? Crypto.createHash(algorithm).update(text, "utf8").digest("hex")
      : hashOf(algorithm, text, "hex")
})
