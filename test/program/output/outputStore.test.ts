/**
 * The store for one file that goes to a stream, which can only be written in order.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as OutputStore from "../../../src/Node/program/output/outputStore.js"
import { openScoped, Store } from "../../../src/Store.js"

const bytes = (text: string) => new TextEncoder().encode(text)

describe("Node/program/output/outputStore", () => {
  it.scopedLive("takes chunks in order, and fails if it would have to start over", () =>
    Effect.gen(function* () {
      const store = yield* Store
      yield* store.prepare("/dev/null")
      const part = yield* openScoped(store, "/dev/null")
      yield* part.write(bytes("first"), 0)
      yield* part.write(bytes("second"), 5)
      // Bytes that are written already are dropped.
      yield* part.write(bytes("again"), 0)
      yield* part.write(bytes("ond!"), 8)
      for (const refused of [
        part.write(bytes("beyond"), 13),
        part.read(new Uint8Array(1), 0),
        store.open("/dev/null", { resume: undefined })
      ]) {
        assert.deepInclude(yield* Effect.flip(refused), { _tag: "Disk", reason: "other", path: "/dev/null" })
      }
      assert.strictEqual(yield* part.publish({ onExists: "overwrite", durability: "full" }), "/dev/null")
    }).pipe(Effect.provide(OutputStore.layer({ _tag: "Path", isPipe: false }, () => {})))
  )
})
