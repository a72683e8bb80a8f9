/**
 * Drives one batch: sends its shards to their entities, at most `window` at a time, removes their messages, and notes the end.
 */
import * as Chunk from "effect/Chunk"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import type { OpenBatch, ShardRows } from "../rows/rows.js"
import type { Cancellation } from "./cancellation.js"
import { persistently } from "./outbox.js"

/** What the batches of a process use. */
export interface Dependencies {
  readonly rows: typeof ShardRows.Service
  readonly cancellation: Cancellation
  /** Sends a shard, and waits until its row has its result. Repeats what fails. */
  readonly send: (batch: OpenBatch, shard: number) => Effect.Effect<void>
  /** The shards of a batch that are sent and have not ended. */
  readonly window: number
}

/** Drives a batch to its end. A later call, also of another process, continues with the shards that have not ended. */
export const run = ({ cancellation, rows, send, window }: Dependencies, open: OpenBatch): Effect.Effect<void> => {
  const batch = open.id
  const driven = cancellation.watch(batch, (cancelled) => {
    const shards = Stream.paginateChunkEffect(-1, (after) =>
      Effect.map(persistently(rows.pending(batch, after, window)), (numbers) => {
        const last = numbers.at(-1)
        return [Chunk.fromIterable(numbers), Option.fromNullable(last)]
      })
    )
    const sent = Stream.runDrain(
      Stream.mapEffect(shards, (shard) => send(open, shard), { concurrency: window, unordered: true })
    )
    const endWaiting = Effect.flatMap(Effect.zipRight(cancelled, Clock.currentTimeMillis), (nowMillis) =>
      Effect.zipRight(persistently(rows.cancelWaiting(batch, nowMillis)), Effect.never)
    )
    const ended = Effect.flatMap(Clock.currentTimeMillis, (nowMillis) => persistently(rows.endBatch(batch, nowMillis)))
    return Effect.raceFirst(sent, endWaiting).pipe(
      Effect.zipRight(ended),
      Effect.repeat({ until: Boolean, schedule: Schedule.spaced("1 second") }),
      Effect.asVoid
    )
  })
  return Effect.zipRight(Effect.logDebug(`drives the batch ${batch}`), driven)
}
