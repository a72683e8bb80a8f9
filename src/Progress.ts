/**
 * The port that takes events: of a download, or of all transfers of a run.
 *
 * A listener never holds a transfer. It takes one event after the other, in the order in which they happen. While its effect
 * for one event is suspended, later events wait for it:
 *
 * - If an `Advanced` waits already, a later one of the same request takes its place.
 * - At most 16,384 events wait. A full queue drops `Advanced` first, then `Started` and `Retrying`, and last `Finished`. How
 *   many events a listener missed is logged as a warning when it has caught up.
 * - When the downloader's scope closes, its listeners have two seconds to take what waits. Then they are interrupted.
 *
 * A listener whose effect does not suspend has taken `Finished` when `download` returns. One that has to keep up with a run
 * without a bound consumes the outcomes of `run` instead, which wait for their consumer.
 *
 * A listener that dies is logged as an error, the first time. It is told the following events, and the transfers go on.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { DownloadEvent } from "./DownloadEvent.js"

/**
 * Takes events.
 *
 * A downloader takes it from the context of the program that asks for a download or a run, or else from the context in which
 * its layer was built. Without either no events are made.
 *
 * The effect of an event runs on a fiber that belongs to the downloader and to no transfer, with the context of the program
 * that asked. No time limit and no interruption of a transfer reaches it. What it forks lives until the downloader's scope
 * closes. A function that does its work when it is called, and gives `Effect.void`, needs no fiber.
 *
 * @category tags
 * @since 0.1.0
 */
export class Progress extends Context.Reference<Progress>()("halyard/Progress", {
  defaultValue: (): { readonly event: (event: DownloadEvent) => Effect.Effect<void> } => ({ event: () => Effect.void })
}) {}

/**
 * Calls a function for each event, and runs the effect that it gives.
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
    const event = (one: DownloadEvent) => {
      events.push(one)
      return Effect.void
    }
    return Context.make(Progress, { event }).pipe(Context.add(Recorded, { events: Effect.sync(() => events.slice()) }))
  })
)
