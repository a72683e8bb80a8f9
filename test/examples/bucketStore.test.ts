import { describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Contracts } from "halyard/testing"
import { type Bucket, layer } from "./bucketStore.js"

const probe = Effect.sync(() => {
  const objects = new Map<string, Uint8Array>()
  const uploads = new Set<string>()
  let begun = 0
  const bucket: Bucket = {
    get: async (name) => objects.get(name),
    begin: async () => {
      const upload = `upload ${begun++}`
      uploads.add(upload)
      return upload
    },
    complete: async (upload, name, content, replaces) => {
      if (objects.has(name) && !replaces) {
        return false
      }
      uploads.delete(upload)
      objects.set(name, content)
      return true
    },
    abort: async (upload) => {
      uploads.delete(upload)
    }
  }
  return {
    layer: layer(bucket),
    destination: "photos/cat.gif",
    read: Effect.sync(() => {
      const found = objects.get("photos/cat.gif")
      return found === undefined ? undefined : new TextDecoder().decode(found)
    }),
    parts: Effect.sync(() => uploads.size)
  }
})

describe("a store in a bucket", () => {
  for (const { check, title } of Contracts.store(probe)) {
    it.live(title, () => check)
  }
})
