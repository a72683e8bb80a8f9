/**
 * A downloader with a scripted transport and a store in memory.
 */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Download from "../../../src/Download.js"
import * as Downloader from "../../../src/Downloader.js"
import * as Progress from "../../../src/Progress.js"
import * as RetryPolicy from "../../../src/RetryPolicy.js"
import * as MemoryStore from "../../../src/Store/Memory.js"
import { type Answer, Exchanges, layer as transportLayer } from "./scriptedTransport.js"

export const url = (name: string) => `http://origin/${name}`

export type Options = Partial<Parameters<typeof Download.request>[0]>

export const request = (name: string, options?: Options) =>
  Download.request({ id: name, url: url(name), destination: name, timeout: "5 seconds", ...options })

export const stack = (answerTo: (name: string) => Answer) =>
  Downloader.layerWith({ retry: RetryPolicy.none, headersTimeout: "1 day" }).pipe(
    Layer.provideMerge(
      Layer.merge(
        transportLayer((at) => answerTo(at.slice(url("").length))),
        MemoryStore.layer
      )
    ),
    Layer.provideMerge(Progress.layerRecording),
    Layer.fresh
  )

export const download = (name: string, options?: Options) =>
  Effect.flatMap(Downloader.Downloader, (downloader) => downloader.download(request(name, options)))

export const files = Effect.flatMap(MemoryStore.MemoryFiles, ({ files }) =>
  Effect.map(files, (all) => new Map(Array.from(all, ([name, bytes]) => [name, new TextDecoder().decode(bytes)])))
)

/** That nothing is left: no part, no open request. */
export const nothingLeft = Effect.gen(function* () {
  assert.strictEqual(yield* Effect.flatMap(MemoryStore.MemoryFiles, ({ parts }) => parts), 0)
  assert.strictEqual((yield* Exchanges).open(), 0)
})

export const finished = Effect.map(
  Effect.flatMap(Progress.Recorded, ({ events }) => events),
  (events) => events.flatMap((event) => (event._tag === "Finished" ? [event.outcome] : []))
)

export const names = (count: number) => Array.from({ length: count }, (_, index) => `file-${index}`)
