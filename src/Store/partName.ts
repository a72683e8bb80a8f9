/**
 * Makes the names of parts. All names have the same short length, so they are valid in every directory. They are random, so other
 * users of a shared directory cannot guess them.
 *
 * @internal
 */
import * as Context from "effect/Context"
import * as DefaultServices from "effect/DefaultServices"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import { PCGRandom } from "effect/Utils"

const start = ".halyard-"

const end = ".part"

const alphabet = "0123456789abcdefghijklmnopqrstuv"

const drawnLength = 12

/** True if a file of this name, without its directory, is a part of this or another run. */
export const isPartName = (name: string): boolean => /^\.halyard-[0-9a-z]{12}\.part$/.test(name)

/**
 * Makes the function that draws names, each with 60 bits of Web Crypto. If the program provides its own `Random`, the names are
 * drawn from it, so that a simulation can be replayed.
 */
export const make: Effect.Effect<() => string> = Effect.flatMap(Effect.random, (random) =>
  random === Context.get(DefaultServices.liveServices, Random.Random)
    ? Effect.succeed(fromCrypto())
    : Effect.map(random.nextIntBetween(0, 2 ** 31), (seed) => {
        const drawn = new PCGRandom(seed)
        return () => nameOf(() => drawn.integer(alphabet.length))
      })
)

// A call of Web Crypto for each name would cost as much as a call of the file system.
const fromCrypto = (): (() => string) => {
  const bytes = new Uint8Array(drawnLength * 64)
  let usedBytes = bytes.length
  return () => {
    if (usedBytes === bytes.length) {
      globalThis.crypto.getRandomValues(bytes)
      usedBytes = 0
    }
    return nameOf(() => (bytes[usedBytes++] ?? 0) % alphabet.length)
  }
}

const nameOf = (draw: () => number): string => {
  let drawn = ""
  for (let count = 0; count < drawnLength; count++) {
    drawn += alphabet.charAt(draw())
  }
  return start + drawn + end
}
