/**
 * The state of a run, for a display: counts, bytes, the rate, the time left, and the transfers that take longest.
 *
 * A view is fed with the events of a run, and answers with snapshots. It knows nothing of terminals. It keeps a fixed amount of
 * memory for each transfer in flight, and nothing for finished ones.
 *
 * @since 0.2.0
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import type { DownloadEvent } from "./DownloadEvent.js"
import * as Progress from "./Progress.js"
import type { Snapshot } from "./RunView/snapshot.js"
import { Tally } from "./RunView/tally.js"

export { type RowOptions, rows } from "./RunView/rows.js"
export type { LongWait, Snapshot, Transfer } from "./RunView/snapshot.js"
export { tabProgress } from "./RunView/tabProgress.js"

/**
 * A view of one run.
 *
 * @category models
 * @since 0.2.0
 */
export interface RunView {
  /** Takes an event. It does not throw. */
  readonly receive: (event: DownloadEvent) => void
  /** Sets the number of requests of the whole run, when it becomes known. */
  readonly expect: (requests: number) => void
  /** The state now. `transfersAtMost` limits `transfers`. Default: 8. */
  readonly snapshot: (options?: { readonly transfersAtMost?: number | undefined }) => Snapshot
}

/**
 * Makes a view of a run that begins now. `expected` is the number of its requests, if it is known.
 *
 * @category constructors
 * @since 0.2.0
 */
export const make = (options?: { readonly expected?: number | undefined }): Effect.Effect<RunView> =>
  Effect.map(Effect.clock, (clock) => {
    const tally = new Tally(() => Number(clock.unsafeCurrentTimeNanos()) / 1e6, options?.expected)
    return {
      receive: (event) => tally.receive(event),
      expect: (requests) => tally.expect(requests),
      snapshot: ({ transfersAtMost = 8 } = {}) => tally.snapshot(transfersAtMost)
    }
  })

/**
 * Snapshots of a download or of a run, at an interval. The last one is of the end. The work begins when the stream is run, and is
 * interrupted when its reader goes away. The stream ends with the work, and fails if the work fails. A slow reader gets fewer
 * snapshots, and does not slow the work down.
 *
 * `work` is the effect of `download`, or the stream of `run`. The events go to this stream only, and not to a `Progress` in the
 * context.
 *
 * @category streams
 * @since 0.2.0
 */
export const changes = <A, E, R>(
  work: Effect.Effect<A, E, R> | Stream.Stream<A, E, R>,
  options?: {
    /** The time between two snapshots. Default: 200 ms. */
    readonly interval?: Duration.DurationInput | undefined
    readonly expected?: number | undefined
    readonly transfersAtMost?: number | undefined
  }
): Stream.Stream<Snapshot, E, R> =>
  Stream.unwrap(
    Effect.map(make(options), (view) => {
      const event = (one: DownloadEvent) => {
        view.receive(one)
        return Effect.void
      }
      const running = Stream.StreamTypeId in work ? Stream.runDrain(work) : work
      const ended = Stream.drain(Stream.fromEffect(Effect.provideService(running, Progress.Progress, { event })))
      const snapshot = Effect.sync(() => view.snapshot(options))
      return Stream.repeatEffectWithSchedule(snapshot, Schedule.fixed(options?.interval ?? "200 millis")).pipe(
        Stream.merge(ended, { haltStrategy: "right" }),
        Stream.concat(Stream.fromEffect(snapshot))
      )
    })
  )
