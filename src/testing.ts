/**
 * The kit for testing programs that use halyard: an origin without sockets, stores in memory or on a disk that crashes, a terminal
 * that records, a clock that advances by itself, a scheduler that repeats a run, and the contracts of the ports.
 *
 * @since 0.2.0
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Downloader from "./Downloader.js"
import * as MemoryJournal from "./Journal/Memory.js"
import type { Journal } from "./Journal.js"
import * as Progress from "./Progress.js"
import type { Screen } from "./Screen.js"
import * as Screens from "./Screen.js"
import * as MemoryStore from "./Store/Memory.js"
import type { Store } from "./Store.js"
import type { Transport } from "./Transport.js"
import * as Origin from "./testing/Origin.js"

export { autoAdvance, Deadlock } from "./testing/autoAdvance.js"
export * as Contracts from "./testing/Contracts.js"
export * as Disk from "./testing/Disk.js"
export * as Origin from "./testing/Origin.js"
export { World } from "./testing/World.js"

/**
 * A downloader with a scripted origin and a store in memory. Further services show the requests (`Origin`), the files (`MemoryFiles`),
 * the events (`Progress.Recorded`), the journal (`MemoryEntries`) and the terminal (`Screen.Recording`).
 *
 * Each call of `layer` makes a separate set of services. A composition that uses the layer several times builds it once; each
 * `provide` builds it again.
 *
 * @category layers
 * @since 0.2.0
 */
export const layer = (
  script: (request: Origin.Request) => Origin.Reply,
  options?: Downloader.Options
): Layer.Layer<
  | Downloader.Downloader
  | Transport
  | Origin.Origin
  | Store
  | MemoryStore.MemoryFiles
  | Journal
  | MemoryJournal.MemoryEntries
  | Progress.Progress
  | Progress.Recorded
  | Screen
  | Screens.Recording
> =>
  // Not `Layer.fresh`: a composition builds such a layer at each of its uses, and `Layer.provideMerge` uses it twice.
  Layer.scopedContext(
    Effect.suspend(() =>
      Layer.build(
        Downloader.layerWith(options ?? {}).pipe(
          Layer.provideMerge(
            Layer.mergeAll(
              Origin.layer(script),
              MemoryStore.layer,
              MemoryJournal.layer,
              Progress.layerRecording,
              Screens.layerRecording()
            )
          )
        )
      )
    )
  )
