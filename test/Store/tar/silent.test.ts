/**
 * A tar whose underlying store is silent for a while.
 */
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { Disk } from "../../../src/DownloadError.js"
import type { Store } from "../../../src/Store.js"
import { autoAdvance } from "../../../src/testing.js"
import { entriesOf, samplesOf } from "../../support/storage/tarFiles.js"
import { inRun, memory, save } from "../../support/storage/tarStore.js"

/** A store whose checkpoints are not answered while `isSilent` returns true, with the time limit that such a store has. */
const silent = (store: typeof Store.Service, isSilent: () => boolean): typeof Store.Service => ({
  ...store,
  open: (path, options) =>
    Effect.map(store.open(path, options), ({ part, record }) => ({
      record,
      part: {
        ...part,
        checkpoint: (text, durability) =>
          Effect.timeoutFail(isSilent() ? Effect.interruptible(Effect.never) : part.checkpoint(text, durability), {
            duration: "2 minutes",
            onTimeout: () => new Disk({ path, reason: "unavailable", detail: "no answer within 2 minutes" })
          })
      }
    }))
})

it.scoped("a tar waits no longer than the store below it, and goes on when that answers again", () =>
  autoAdvance(
    Effect.gen(function* () {
      const { file, store } = yield* memory
      let isSilent = true
      yield* inRun(
        silent(store, () => isSilent),
        { destination: "one.tar" },
        (tar) =>
          Effect.gen(function* () {
            const waiting = Effect.forEach(["a.txt", "b.txt"], (path) => Effect.flip(save(tar.store, path, path)), {
              concurrency: 2
            })
            for (const error of yield* waiting) {
              assert.deepInclude(error, { _tag: "Disk", reason: "unavailable" })
            }
            assert.isUndefined(yield* tar.store.stat("a.txt"))
            isSilent = false
            yield* save(tar.store, "c.txt", "c")
            yield* tar.finish
          })
      )
      const tar = yield* file("one.tar")
      const entries = yield* Effect.promise(() => entriesOf(tar))
      assert.deepStrictEqual(
        samplesOf(entries).map(({ __key__ }) => __key__),
        ["c"]
      )
    })
  )
)
