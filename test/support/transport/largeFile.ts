import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Download from "../../../src/Download.js"
import * as Downloader from "../../../src/Downloader.js"
import * as OriginGovernor from "../../../src/OriginGovernor.js"
import * as MemoryStore from "../../../src/Store/Memory.js"
import { autoAdvance, Origin } from "../../../src/testing.js"
import { nothingIsLeft } from "./interruptedDownload.js"

export const mebibyte = 1024 * 1024

export const content = Uint8Array.from({ length: 8 * mebibyte }, (_, index) => (index * 31 + (index >> 12) * 7) & 0xff)

export const url = "http://origin.test/large.bin"

export const request = (given: Partial<Parameters<typeof Download.request>[0]> = {}) =>
  Download.request({ url, destination: "large.bin", timeout: "1 hour", ...given })

// 2.5 MiB a second.
export const slow = { chunkBytes: 256 * 1024, chunkDelay: "90 millis", etag: '"1"' } as const

// All but a mebibyte after ten seconds, and the rest ten seconds later.
export const pausing = { chunkBytes: 7 * mebibyte, chunkDelay: "10 seconds", etag: '"1"' } as const

export const download = (given?: Partial<Parameters<typeof Download.request>[0]>) =>
  Effect.flatMap(Downloader.Downloader, (downloader) => downloader.download(request(given)))

export const within = (
  script: (request: Origin.Request) => Origin.Reply,
  options: Downloader.Options = {},
  limits: OriginGovernor.Options = {}
) =>
  Downloader.layerWith({ segments: 4, ...options }).pipe(
    Layer.provideMerge(Layer.mergeAll(Origin.layer(script), MemoryStore.layer, OriginGovernor.layer(limits)))
  )

export const ranges = Effect.map(Origin.Origin, (origin) => origin.requests().map(({ headers }) => headers["range"]))

export const isThere = Effect.gen(function* () {
  const { files, parts } = yield* MemoryStore.MemoryFiles
  const found = (yield* files).get("large.bin")
  assert.isTrue(found !== undefined && Buffer.from(found.buffer, found.byteOffset, found.length).equals(content))
  assert.strictEqual(yield* parts, 0)
})

/** Downloads the file, and checks that one attempt has saved it and has left nothing else. */
export const isSavedAtOnce = Effect.fn(function* (given?: Parameters<typeof download>[0]) {
  const saved = yield* autoAdvance(download(given))
  assert.deepInclude(saved, { _tag: "Saved", attempts: 1, bytes: content.length })
  yield* isThere
  yield* nothingIsLeft
})
