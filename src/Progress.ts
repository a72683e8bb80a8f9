/**
 * The port that takes a run's events. It is told everything, in the order in which it happens; it must not fail, and a
 * slow one slows the run down.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { DownloadEvent } from "./DownloadEvent.js"

/**
 * Takes events. It is asked for where a download is: provided to that program, or else to the layer of the downloader.
 * Without either nothing is told to anybody.
 *
 * @category tags
 * @since 0.1.0
 */
export class Progress extends Context.Reference<Progress>()("halyard/Progress", {
  defaultValue: (): { readonly event: (event: DownloadEvent) => Effect.Effect<void> } => ({ event: () => Effect.void })
}) {}

/**
 * Tells each event to a function.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (event: (event: DownloadEvent) => Effect.Effect<void>): Layer.Layer<Progress> =>
  Layer.succeed(Progress, { event })

/**
 * What a recording progress was told so far, oldest first.
 *
 * @category tags
 * @since 0.1.0
 */
export class Recorded extends Context.Tag("halyard/Progress/Recorded")<
  Recorded,
  { readonly events: Effect.Effect<ReadonlyArray<DownloadEvent>> }
>() {}

/**
 * Keeps every event in memory, for tests.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerRecording: Layer.Layer<Progress | Recorded> = Layer.effectContext(
  Effect.sync(() => {
    const events: Array<DownloadEvent> = []
    const event = (one: DownloadEvent) =>
      Effect.sync(() => {
        events.push(one)
      })
    return Context.make(Progress, { event }).pipe(Context.add(Recorded, { events: Effect.sync(() => events.slice()) }))
  })
)
