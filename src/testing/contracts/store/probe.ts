/**
 * What a contract of a store looks at, and the steps that its cases share.
 */
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { Disk } from "../../../DownloadError.js"
import { openScoped, type Part, type PublishOptions, Store } from "../../../Store.js"
import { type Case, type ContractBroken, expect } from "../Case.js"

/**
 * A store under test, and the means to look at what it keeps.
 *
 * @category models
 * @since 0.2.0
 */
export interface StoreProbe {
  readonly layer: Layer.Layer<Store>
  /** A path at which no file stands, in a directory without other files. */
  readonly destination: string
  /** The text of the file at the destination; undefined if there is none. */
  readonly read: Effect.Effect<string | undefined>
  /**
   * The number of parts that are neither published nor discarded. A backend may count a part from its opening or from its first write
   * to the device. If it does not keep parts, those in its memory count too.
   */
  readonly parts: Effect.Effect<number>
  /** True if the backend keeps parts for a later run. Default: false. */
  readonly keeps?: boolean | undefined
  // A backend leaves out the operations that it does not have. The cases that need them pass.
  /** The number of writes to the device. */
  readonly writes?: Effect.Effect<number> | undefined
  /** Makes a directory at the destination, as another program would. */
  readonly makeDirectory?: Effect.Effect<void> | undefined
  /** Makes a symbolic link at the destination, in place of what is there, as another program would. */
  readonly makeLink?: ((to: string) => Effect.Effect<void>) | undefined
  /** From now on, writes to the device take no bytes and do not fail. */
  readonly takeNothing?: Effect.Effect<void> | undefined
  readonly modes?:
    | {
        /** The permission bits of all files in the destination's directory, the destination included. */
        readonly all: Effect.Effect<ReadonlyArray<number>>
        /** Changes the permission bits of the destination. */
        readonly set: (mode: number) => Effect.Effect<void>
      }
    | undefined
}

export type Probe = Effect.Effect<StoreProbe, never, Scope.Scope>

type Service = typeof Store.Service

/** Makes a case. The probe is made, and the layer is built, for each case. */
export const caseOf =
  (probe: Probe) =>
  (title: string, body: (probe: StoreProbe, store: Service) => Effect.Effect<void, unknown, Scope.Scope>): Case => ({
    title,
    check: Effect.scoped(
      Effect.flatMap(probe, (made) =>
        Effect.provide(
          Effect.flatMap(Store, (store) => body(made, store)),
          made.layer
        )
      )
    )
  })

export type CaseOf = ReturnType<typeof caseOf>

export const encode = (text: string): Uint8Array => new TextEncoder().encode(text)

/** More than a store keeps in memory, so that bytes reach the device. */
export const long = (word: string): string => word.repeat(Math.ceil(1_200_000 / word.length))

export const write = (part: Part, text: string, positionBytes = 0): Effect.Effect<void, Disk> =>
  Effect.suspend(() => part.write(encode(text), positionBytes))

export const publish = (
  part: Part,
  onExists: PublishOptions["onExists"] = "overwrite",
  durability: PublishOptions["durability"] = "full"
): Effect.Effect<string | undefined, Disk> => Effect.suspend(() => part.publish({ onExists, durability }))

/** Uses a part, which is discarded at the end in any case. */
export const withPart = <A, E>(
  store: Service,
  destination: string,
  use: (part: Part) => Effect.Effect<A, E, Scope.Scope>
): Effect.Effect<A, E | Disk> => Effect.scoped(Effect.flatMap(openScoped(store, destination), use))

/** Saves a text at a path, and returns the path of the file. */
export const save = (
  store: Service,
  destination: string,
  text: string,
  onExists?: PublishOptions["onExists"]
): Effect.Effect<string | undefined, Disk> =>
  withPart(store, destination, (part) => Effect.zipRight(write(part, text), publish(part, onExists)))

export const holds = (probe: StoreProbe, text: string | undefined): Effect.Effect<void, ContractBroken> =>
  Effect.flatMap(probe.read, (found) =>
    expect(
      found === text,
      text === undefined ? "no file at the destination" : `a file of ${text.length} bytes with ${shown(text, found)}`,
      found === undefined ? "no file" : `${found.length} bytes with ${shown(found, text)}`
    )
  )

/** Up to 40 characters, of a long text those around the first one that differs from the other text. */
const shown = (text: string, other = ""): string => {
  let same = 0
  while (same < text.length && text[same] === other[same]) {
    same++
  }
  const start = same <= 30 ? 0 : same - 10
  const part = JSON.stringify(text.slice(start, start + 40) + (text.length > start + 40 ? "…" : ""))
  return start === 0 ? part : `${part} from byte ${start}`
}

export const hasParts = (probe: StoreProbe, count: number): Effect.Effect<void, ContractBroken> =>
  Effect.flatMap(probe.parts, (found) =>
    expect(found === count, `${count} ${count === 1 ? "part" : "parts"} in the directory`, found)
  )

export const read = (part: Part, positionBytes: number, sizeBytes: number): Effect.Effect<string, Disk> =>
  Effect.suspend(() => {
    const chunk = new Uint8Array(sizeBytes)
    return Effect.map(part.read(chunk, positionBytes), (count) => new TextDecoder().decode(chunk.subarray(0, count)))
  })
