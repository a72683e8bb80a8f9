import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Download from "../../src/Download.js"
import * as Downloader from "../../src/Downloader.js"
import * as RetryPolicy from "../../src/RetryPolicy.js"
import * as DirectStore from "../../src/Store/Direct.js"
import { openScoped, Store } from "../../src/Store.js"
import { Disk } from "../../src/testing/Disk.js"
import * as Origin from "../../src/testing/Origin.js"

const megabyte = 1_000_000

const storeOver = (disk: Disk) => DirectStore.layer(disk.calls()).pipe(Layer.provide(disk.layer))

describe("the room for a large body", () => {
  it.effect("is compared with what is free, less what other parts have reserved", () =>
    Effect.gen(function* () {
      const disk = new Disk({ capacityBytes: 10 * megabyte })
      yield* Effect.gen(function* () {
        const store = yield* Store
        const first = yield* openScoped(store, "/d/first")
        yield* first.reserve(6 * megabyte)
        // A later call changes nothing, although bytes have arrived.
        yield* first.write(new Uint8Array(2 * megabyte), 0)
        yield* first.reserve(6 * megabyte)
        const second = yield* openScoped(store, "/d/second")
        const error = yield* Effect.flip(second.reserve(5 * megabyte))
        assert.strictEqual(error.reason, "full")
        assert.strictEqual(
          error.explanation,
          `there is no space left: ${5 * megabyte} bytes are needed, and ${4 * megabyte} are free`
        )
        yield* second.reserve(4 * megabyte)
        yield* second.close("discard")
        const third = yield* openScoped(store, "/d/third")
        yield* first.close("discard")
        yield* third.reserve(10 * megabyte)
        yield* third.write(new Uint8Array(megabyte), 0)
        yield* third.publish({ onExists: "fail", durability: "rename" })
        // What a published part has reserved and not used is free again.
        yield* (yield* openScoped(store, "/d/fourth")).reserve(9 * megabyte)
      }).pipe(Effect.scoped, Effect.provide(storeOver(disk)))
    })
  )

  it.effect("is that for the rest if a part is continued", () =>
    Effect.gen(function* () {
      const disk = new Disk({ capacityBytes: 10 * megabyte })
      yield* Effect.gen(function* () {
        const store = yield* Store
        const { part } = yield* store.open("/d/file", { resume: "key" })
        yield* part.write(new Uint8Array(6 * megabyte), 0)
        yield* part.checkpoint("6", "full")
        yield* part.close("keep")
        const again = yield* store.open("/d/file", { resume: "key" })
        // The record has a hundred bytes.
        yield* again.part.reserve(10 * megabyte - 1000)
        yield* again.part.close("keep")
        const third = yield* store.open("/d/file", { resume: "key" })
        assert.strictEqual((yield* Effect.flip(third.part.reserve(10 * megabyte + 1))).reason, "full")
        yield* third.part.close("discard")
      }).pipe(Effect.provide(storeOver(disk)))
    })
  )

  it.effect("does not matter for a small body, or if the file system does not tell what is free", () =>
    Effect.gen(function* () {
      const disk = new Disk({ capacityBytes: 10 })
      yield* Effect.gen(function* () {
        const part = yield* Effect.flatMap(Store, (store) => openScoped(store, "/d/small"))
        assert.strictEqual(part.reserve(256 * 1024), Exit.void)
      }).pipe(Effect.scoped, Effect.provide(storeOver(disk)))
      yield* Effect.gen(function* () {
        const part = yield* Effect.flatMap(Store, (store) => openScoped(store, "/d/large"))
        yield* part.reserve(Number.MAX_SAFE_INTEGER)
      }).pipe(Effect.scoped, Effect.provide(storeOver(new Disk())))
    })
  )

  it.live("is missing: the transfer fails before it writes, and is not repeated", () =>
    Effect.gen(function* () {
      let writes = 0
      const disk = new Disk({
        capacityBytes: megabyte,
        onDone: ({ name }) => {
          writes += name === "write" ? 1 : 0
        }
      })
      let requests = 0
      const origin = Origin.layer(() => {
        requests++
        return { status: 200, headers: { "content-length": `${2 * megabyte}` }, body: new Uint8Array(2 * megabyte) }
      })
      const outcome = yield* Effect.flatMap(Downloader.Downloader, ({ download }) =>
        Effect.exit(download(Download.request({ url: "http://origin.test/file", destination: "/d/file" })))
      ).pipe(
        Effect.provide(
          Downloader.layerWith({ retry: RetryPolicy.defaults }).pipe(
            Layer.provide(origin),
            Layer.provide(storeOver(disk))
          )
        )
      )
      assert.include(
        `${JSON.stringify(outcome)}`,
        `there is no space left: ${2 * megabyte} bytes are needed, and ${megabyte} are free`
      )
      assert.deepStrictEqual([requests, writes, Array.from(disk.files().keys())], [1, 0, []])
    })
  )
})
