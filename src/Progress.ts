/**
 * The port that receives events of a download, or of all transfers of a run.
 *
 * A listener never delays a transfer. It receives one event after the other, in the order in which they happen. While its
 * effect for one event is suspended, later events wait in a queue:
 *
 * - If an `Advanced` of the same request waits as its last event, a new `Advanced` replaces it.
 * - At most 16,384 events wait. A full queue drops `Advanced` first, then all others but `Finished`, and `Finished` last. When the
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
import type * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import type { DownloadRequest } from "./Download.js"
import type { DownloadEvent } from "./DownloadEvent.js"
import { PullQueue } from "./internal/pullQueue.js"

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
 * The events of a download or of a run, as a stream. The work begins when the stream is run, and is interrupted when its reader
 * goes away. The stream ends with the work, and fails if the work fails.
 *
 * `work` is the effect of `download`, or the stream of `run`. The stream of a run is read only as fast as its events, so a slow
 * reader slows the run down. A slow reader of a download does not.
 *
 * Events wait for the reader in a buffer of `capacity` events. Default: 1024. If an `Advanced` of the same request waits as its last
 * event, a new `Advanced` replaces it. A full buffer drops new `Advanced`. No other event is dropped.
 *
 * The events go to this stream only, and not to a `Progress` in the context.
 *
 * @category streams
 * @since 0.2.0
 */
export const stream = <A, E, R>(
  work: Effect.Effect<A, E, R> | Stream.Stream<A, E, R>,
  options?: { readonly capacity?: number | undefined }
): Stream.Stream<DownloadEvent, E, R> =>
  Stream.unwrapScoped(
    Effect.gen(function* () {
      const buffer = new EventBuffer<E>(options?.capacity ?? defaultCapacity)
      const event = (one: DownloadEvent): Effect.Effect<void> => {
        buffer.add(one)
        return Effect.void
      }
      const running = Stream.StreamTypeId in work ? Stream.runForEach(work, () => buffer.awaitRoom) : work
      const fiber = yield* Effect.forkScoped(Effect.provideService(running, Progress, { event }))
      fiber.addObserver((exit) => buffer.end(exit))
      return buffer.stream
    })
  )

const defaultCapacity = 1024

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

interface Waiting {
  event: DownloadEvent
}

class EventBuffer<E> {
  /** The last waiting event of each request if it is an `Advanced`. */
  private readonly latest = new Map<DownloadRequest, Waiting>()
  private onRoom: (() => void) | undefined
  private readonly queue = new PullQueue<Waiting, E>(() => {
    this.latest.clear()
    this.onRoom?.()
  })

  constructor(private readonly capacity: number) {}

  add(event: DownloadEvent): void {
    const request = event._tag === "Finished" ? event.outcome.request : event.request
    if (event._tag !== "Advanced") {
      this.latest.delete(request)
      this.queue.add({ event })
      return
    }
    const waiting = this.latest.get(request)
    if (waiting !== undefined) {
      waiting.event = event
    } else if (this.queue.length < this.capacity) {
      const added = { event }
      this.latest.set(request, added)
      this.queue.add(added)
    }
  }

  end(exit: Exit.Exit<unknown, E>): void {
    this.queue.end(exit)
  }

  /** Waits while the buffer is full. */
  readonly awaitRoom: Effect.Effect<void> = Effect.suspend(() =>
    this.queue.length < this.capacity
      ? Effect.void
      : Effect.async<void>((resume) => {
          this.onRoom = () => {
            this.onRoom = undefined
            resume(Effect.void)
          }
        })
  )

  get stream(): Stream.Stream<DownloadEvent, E> {
    return Stream.map(this.queue.stream, ({ event }) => event)
  }
}
