/**
 * Makes and reads the names of parts and of their records.
 *
 * A part is `.halyard-ID-OWNER-DESTINATION.part`, and its record is `.halyard-ID.record`. The id begins with a tag of the destination
 * and the key, and ends with 60 random bits, which other users of a shared directory cannot guess. The owner is the process that uses
 * the part, so one rename gives a part to another process. The name of the destination is for people.
 *
 * @internal
 */
import { sha256 } from "@noble/hashes/sha2.js"
import * as Context from "effect/Context"
import * as DefaultServices from "effect/DefaultServices"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import { PCGRandom } from "effect/Utils"
import { truncate } from "../../internal/text/fileNames.js"

const start = ".halyard-"

const end = ".part"

const alphabet = "0123456789abcdefghijklmnopqrstuv"

const drawnLength = 12

const tagLength = 10

/** The owner of a part that no process uses. */
export const noOwner = "0"

/** The number of the process that owns a part. */
export const processOf = (owner: string): number => Number.parseInt(owner.split(".")[1] ?? "", 36)

/** What the name of a file says. */
export type Parsed =
  | { readonly kind: "part"; readonly id: string; readonly owner: string; readonly destinationName: string }
  | { readonly kind: "record"; readonly id: string }
  /** A list of `--failed` that is not complete. The owner is undefined in an earlier version. */
  | { readonly kind: "list"; readonly owner: string | undefined }
  /** A part of an earlier version, which cannot be continued. */
  | { readonly kind: "old" }

export const parse = (name: string): Parsed | undefined => {
  if (!name.startsWith(start)) {
    return undefined
  }
  const [, id, owner, destinationName] =
    /^\.halyard-([0-9a-v]{22})-(0|[0-9a-v]{12}\.[0-9a-z]{1,12}\.[0-9a-z]{1,16})-(.*)\.part$/s.exec(name) ?? []
  if (id !== undefined && owner !== undefined && destinationName !== undefined) {
    return { kind: "part", id, owner, destinationName }
  }
  const list = /^\.halyard-(?:(0|[0-9a-v]{12}\.[0-9a-z]{1,12}\.[0-9a-z]{1,16})-)?[0-9a-z]{1,7}\.failed$/.exec(name)
  if (list !== null) {
    return { kind: "list", owner: list[1] }
  }
  const recordId = /^\.halyard-([0-9a-v]{22})\.record$/.exec(name)?.[1]
  return recordId !== undefined
    ? { kind: "record", id: recordId }
    : /^\.halyard-[0-9a-z]{12}\.part$/.test(name)
      ? { kind: "old" }
      : undefined
}

/** The beginning of the ids of all parts of a destination with a key. */
export const tagOf = (destinationName: string, key: string | undefined): string =>
  key === undefined ? "0".repeat(tagLength) : hashOf(`${key}\0${destinationName}`, tagLength)

export const tagOfId = (id: string): string => id.slice(0, tagLength)

/** The first `length` digits of a hash, 5 bits each. */
export const hashOf = (text: string, length: number): string =>
  Array.from(sha256(new TextEncoder().encode(text)).subarray(0, length), (byte) => alphabet.charAt(byte & 31)).join("")

// eCryptfs takes names of 143 bytes, and every other file system takes more.
const maxNameBytes = 143

export const partName = (id: string, owner: string, destinationName: string): string => {
  const before = `${start}${id}-${owner}-`
  return before + truncate(destinationName, maxNameBytes - before.length - end.length) + end
}

/** The name of the list of `--failed` while a process writes it. */
export const listName = (owner: string, drawn: number): string => `${start}${owner}-${drawn.toString(36)}.failed`

export const recordName = (id: string): string => `${start}${id}.record`

/** The index of the name in a path. `dirname` is slower, because it reads a path character by character. */
export const nameIndex = (path: string, separator: string): number =>
  separator === "/"
    ? path.lastIndexOf("/") + 1
    : Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\"), path.lastIndexOf(":")) + 1

/**
 * Makes the function that draws the ends of ids, each with 60 bits of Web Crypto. If the program provides its own `Random`, they are
 * drawn from it, so that a simulation can be replayed.
 */
export const make: Effect.Effect<() => string> = Effect.flatMap(Effect.random, (random) =>
  random === Context.get(DefaultServices.liveServices, Random.Random)
    ? Effect.succeed(fromCrypto())
    : Effect.map(random.nextIntBetween(0, 2 ** 31), (seed) => {
        const drawn = new PCGRandom(seed)
        return () => drawnOf(() => drawn.integer(alphabet.length))
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
    return drawnOf(() => (bytes[usedBytes++] ?? 0) % alphabet.length)
  }
}

const drawnOf = (draw: () => number): string => {
  let drawn = ""
  for (let count = 0; count < drawnLength; count++) {
    drawn += alphabet.charAt(draw())
  }
  return drawn
}

/** True if a file of this name, without its directory, is a part of this or another run. */
export const isPartName = (name: string): boolean => {
  const kind = parse(name)?.kind
  return kind === "part" || kind === "old"
}
