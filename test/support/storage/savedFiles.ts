/**
 * Saves a file through the store in the context.
 */
import { readdirSync } from "node:fs"
import * as Effect from "effect/Effect"
import { type Durability, openScoped, type PublishOptions, Store } from "../../../src/Store.js"
import { appendTo } from "./storeParts.js"

export const small = new Uint8Array(1000).fill(1)

export const large = new Uint8Array(100_000).fill(2)

export const names = (directory: string) => readdirSync(directory).sort()

export const save = (
  destination: string,
  chunks: ReadonlyArray<Uint8Array>,
  onExists: PublishOptions["onExists"] = "overwrite",
  durability: Durability = "rename"
) =>
  Effect.flatMap(Store, (store) =>
    Effect.scoped(
      Effect.flatMap(openScoped(store, destination), (part) => {
        const append = appendTo(part)
        return Effect.zipRight(
          Effect.forEach(chunks, append, { discard: true }),
          Effect.suspend(() => part.publish({ onExists, durability }))
        )
      })
    )
  )
