/**
 * The port that receives events of a download, or of all transfers of a run.
 *
 * A listener never delays a transfer. It receives one event after the other, in the order in which they happen. While its
 * effect for one event is suspended, later events wait in a queue:
 *
 * - If an `Advanced` of the same request waits as its last event, a new `Advanced` replaces it.
 * - At most 16,384 events wait. A full queue drops `Advanced` first, then `Started`, `Paused` and `Retrying`, and `Finished` last. When the
 *   listener has caught up, a warning says how many events it missed.
 * - When the downloader's scope closes, its listeners have two seconds for the events that wait. Then they are interrupted. If a
 *   listener does not end within half a second after that, the scope closes without it, and a warning is logged.
 *
 * A listener whose effect does not suspend has received `Finished` when `download` returns. To receive every outcome of a run of
 * any length, consume the stream of `run` instead, which waits for its consumer.
 *
 * The first defect of a listener is logged as an error. The listener still receives the following events, and the transfers
 * continue.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { DownloadEvent } from "./DownloadEvent.js"

/**
 * Receives events.
 *
 * A downloader takes it from the context of the program that calls `download` or `run`, or else from the context in which its
 * layer was built. If neither has one, no events are created.
 *
 * The effect of an event runs on a fiber of the downloader, with the context of the calling program. Time limits and
 * interruptions of a transfer do not reach it. Fibers that it forks are interrupted when the downloader's scope closes. A
 * function that does its work synchronously and returns `Effect.void` needs no fiber.
 *
 * @category tags
 * @since 0.1.0
 */
export class Progress extends Context.Reference<Progress>()("halyard/Progress", {
  defaultValue: (): { readonly event: (event: DownloadEvent) => Effect.Effect<void> } => ({ event: () => Effect.void })
}) {}

/**
 * Calls a function for each event, and runs the effect that it returns.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (event: (event: DownloadEvent) => Effect.Effect<void>): Layer.Layer<Progress> =>
  Layer.succeed(Progress, { event })

/**
 * The events that a recording `Progress` has received so far, the first event first.
 *
 * @category tags
 * @since 0.1.0
 */
export class Recorded extends Context.Tag("halyard/Progress/Recorded")<
  Recorded,
  { readonly events: Effect.Effect<ReadonlyArray<DownloadEvent>> }
>() {}

/**
 * Records all events in memory, for tests.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerRecording: Layer.Layer<Progress | Recorded> = Layer.effectContext(
  Effect.sync(() => {
    const events: Array<DownloadEvent> = []
    const record = (event: DownloadEvent) => {
      events.push(event)
      return Effect.void
    }
    return Context.make(Progress, { event: record }).pipe(
      Context.add(Recorded, { events: Effect.sync(() => events.slice()) })
    )
  })
)
