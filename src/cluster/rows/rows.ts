/**
 * The rows of batches: `BatchRows` for callers of `Batches`, `ShardRows` for runners, and `FleetRows` for the limits of all runners. A
 * backend implements all three over the same tables. `insert`, `begin`, `release` and `remove` are one transaction each. Runners repeat a
 * method of `ShardRows` that fails.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type * as Stream from "effect/Stream"
import type { RunReport } from "../../Download.js"
import type { BatchStorageError } from "../errors.js"
import type { AbandonedShard, BegunShard, FileCounts, Settings, ShardCounts } from "../models.js"

/** The attempts of a shard that may begin without an end. After so many, the shard is abandoned. */
export const attemptsAtMost = 3

/** The last attempts of a shard whose runners and times its row keeps. */
export const keptAttempts = 10

/** Why a batch cannot be made: another process has removed its slices, because they were older than those of a submission. */
export const missingSlices = "some of the stored requests were removed in the meantime; submit the batch again"

/** A batch without its manifest. */
export interface BatchRow {
  readonly id: string
  /** The name under which the slices of the manifest were stored. */
  readonly manifest: string
  /** The digest of the manifest, of the size of its shards, and of the settings. */
  readonly digest: string
  readonly shards: number
  readonly files: number
  readonly settings: Settings
  readonly submittedMillis: number
}

/** One slice of a manifest: the requests of one shard. */
export interface Slice {
  readonly shard: number
  readonly files: number
  /** The place of the first request in the stream that was submitted. */
  readonly firstIndex: number
  readonly content: string
}

/** The counts of one shard, or sums of them. */
export interface Counts extends FileCounts {
  readonly notFound: number
  readonly bytes: number
  readonly foundSaved: number
}

/** The sums over the shards of a batch. */
export interface BatchSums {
  readonly isCancelled: boolean
  readonly submittedMillis: number
  readonly startedMillis: number | undefined
  readonly endedMillis: number | undefined
  readonly shards: ShardCounts
  readonly totalFiles: number
  readonly counts: Counts
  readonly attempts: number
}

/** What a report has besides the sums. */
export interface ReportParts {
  readonly failures: RunReport["failures"]
  readonly abandoned: ReadonlyArray<AbandonedShard>
}

/**
 * The rows as callers of `Batches` see them.
 *
 * @category tags
 * @since 0.2.0
 */
export class BatchRows extends Context.Tag("halyard/cluster/BatchRows")<
  BatchRows,
  {
    /** Stores one slice of a manifest. No runner sees it before `insert`. */
    readonly addSlice: (manifest: string, slice: Slice, nowMillis: number) => Effect.Effect<void, BatchStorageError>
    /** Removes the slices of a manifest to which no batch belongs. */
    readonly dropSlices: (manifest: string) => Effect.Effect<void, BatchStorageError>
    readonly find: (id: string) => Effect.Effect<Option.Option<BatchRow>, BatchStorageError>
    /**
     * Makes a batch of stored slices, with a waiting shard for each. Returns the batch that has the id: this one or an earlier one.
     * Fails if slices are missing. After a failure, the batch may exist.
     */
    readonly insert: (batch: BatchRow) => Effect.Effect<BatchRow, BatchStorageError>
    readonly sums: (id: string) => Effect.Effect<Option.Option<BatchSums>, BatchStorageError>
    /** The newest batches, the last one submitted first. */
    readonly newest: (
      limit: number
    ) => Effect.Effect<ReadonlyArray<BatchSums & { readonly id: string }>, BatchStorageError>
    readonly reportParts: (id: string) => Effect.Effect<ReportParts, BatchStorageError>
    /** The texts of `ShardEnd.failed`, in the order of the shards. */
    readonly failed: (id: string) => Stream.Stream<string, BatchStorageError>
    /** The shards that have begun, in order. */
    readonly begunShards: (id: string) => Stream.Stream<BegunShard, BatchStorageError>
    /** Sets the flag that `ShardRows.cancelled` reads. */
    readonly cancel: (id: string) => Effect.Effect<void, BatchStorageError>
    /** Removes a batch with its shards and its manifest. */
    readonly remove: (id: string) => Effect.Effect<void, BatchStorageError>
  }
>() {}

/** A batch whose messages may exist. */
export interface OpenBatch {
  readonly id: string
  /** Names the messages of the batch: a batch that is removed and submitted again has others. */
  readonly manifest: string
}

/** The attempt of a shard. */
export interface Attempt {
  readonly batch: string
  readonly shard: number
  /** The number of the attempt, from 1. A shard that was interrupted by the shutdown of its runner has a further attempt. */
  readonly attempt: number
}

/**
 * What a runner may do with a shard. `Ended`: nothing, because its row has its result. `Alone`: begin it when no other shard runs in the
 * process, because this is its last attempt, and the shards that run beside it would share its end.
 */
export type Beginning =
  | { readonly _tag: "Ended" }
  | { readonly _tag: "Alone" }
  | {
      readonly _tag: "Begun"
      readonly attempt: number
      readonly slice: Slice
      readonly settings: Settings
    }

/** The result of an attempt that has run to its end, or was cancelled. */
export interface ShardEnd {
  readonly state: "done" | "cancelled"
  readonly counts: Counts
  readonly failures: RunReport["failures"]
  /** The encoded failed requests of the shard. */
  readonly failed: string
}

/**
 * The rows as runners see them.
 *
 * @category tags
 * @since 0.2.0
 */
export class ShardRows extends Context.Tag("halyard/cluster/ShardRows")<
  ShardRows,
  {
    /** The batches that have not ended, and those whose messages are not removed. */
    readonly open: Effect.Effect<ReadonlyArray<OpenBatch & { readonly hasEnded: boolean }>, BatchStorageError>
    /**
     * The first shards after `after` that have not ended, and those whose messages are not removed, in order. Notes that they may have
     * messages from now on. A shard that was cancelled before it could have a message is not among them.
     */
    readonly pending: (
      batch: string,
      after: number,
      limit: number
    ) => Effect.Effect<ReadonlyArray<number>, BatchStorageError>
    /**
     * Begins an attempt, and counts it before it runs. Ends the shard instead if its batch is cancelled, or if `attemptsAtMost`
     * attempts have begun and not ended. The last attempt begins only if `isAlone` is true. `claim` names the runner and the attempt: a
     * call that is repeated with the same claim, because the first answer was lost, returns the attempt that the first call has begun.
     */
    readonly begin: (
      batch: string,
      shard: number,
      claim: string,
      isAlone: boolean,
      nowMillis: number
    ) => Effect.Effect<Beginning, BatchStorageError>
    /** Stores the counts of a running attempt, for the status. Returns whether the shard has ended by another attempt. */
    readonly progress: (attempt: Attempt, counts: Counts) => Effect.Effect<boolean, BatchStorageError>
    /** Ends a shard. The first end of a shard is kept, also if a later attempt has begun. */
    readonly end: (attempt: Attempt, end: ShardEnd, nowMillis: number) => Effect.Effect<void, BatchStorageError>
    /**
     * Takes back an attempt that was interrupted or could not run, so that it does not count as one without an end. A call that is
     * repeated, because the first answer was lost, changes nothing.
     */
    readonly release: (attempt: Attempt, counts: Counts) => Effect.Effect<void, BatchStorageError>
    /** Takes back the attempt that `begin` has begun for this claim, unless another attempt has begun since. */
    readonly revoke: (batch: string, shard: number, claim: string) => Effect.Effect<void, BatchStorageError>
    /** Stores the defect of which an attempt died. The attempt stays one without an end. */
    readonly died: (attempt: Attempt, detail: string) => Effect.Effect<void, BatchStorageError>
    /** Ends a shard that no further attempt could carry out: it is abandoned, and its files have failed. */
    readonly abandon: (attempt: Attempt, detail: string, nowMillis: number) => Effect.Effect<void, BatchStorageError>
    /** Which of these shards have ended. */
    readonly ended: (
      batch: string,
      shards: ReadonlyArray<number>
    ) => Effect.Effect<ReadonlyArray<number>, BatchStorageError>
    /** Those of the batches that are cancelled or removed. */
    readonly cancelled: (batches: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<string>, BatchStorageError>
    /** Cancels the waiting shards of a cancelled batch. */
    readonly cancelWaiting: (batch: string, nowMillis: number) => Effect.Effect<void, BatchStorageError>
    /** Notes the end of a batch if all of its shards have ended. Returns whether it has ended. */
    readonly endBatch: (batch: string, nowMillis: number) => Effect.Effect<boolean, BatchStorageError>
    /** Notes that the messages of a shard are removed. The shards of a later batch with the same id stay open. */
    readonly closeShard: (batch: OpenBatch, shard: number) => Effect.Effect<void, BatchStorageError>
    /** Notes that the messages of a batch are removed. A later batch with the same id has another manifest, and stays open. */
    readonly close: (batch: OpenBatch) => Effect.Effect<void, BatchStorageError>
  }
>() {}

/** The runners of a database, and the origins that asked one of them for a pause. */
export interface Fleet {
  /** The names of the runners that were seen in the last five seconds, in order. */
  readonly runners: ReadonlyArray<string>
  /** A number that all runners read, and that grows by one each half minute. */
  readonly turn: number
}

/**
 * What runners know of each other. Times are those of the database, so the clocks of the runners may differ.
 *
 * @category tags
 * @since 0.2.0
 */
export class FleetRows extends Context.Tag("halyard/cluster/FleetRows")<
  FleetRows,
  {
    /** Stores that a runner lives, and returns all runners that live. */
    readonly beat: (runner: string) => Effect.Effect<Fleet, BatchStorageError>
    readonly leave: (runner: string) => Effect.Effect<void, BatchStorageError>
    /** Pauses an origin. A pause does not shorten an earlier one. */
    readonly pause: (origin: string, millis: number) => Effect.Effect<void, BatchStorageError>
    /** The origins that are paused, and for how long. */
    readonly pauses: Effect.Effect<
      ReadonlyArray<{ readonly origin: string; readonly millis: number }>,
      BatchStorageError
    >
  }
>() {}

/** A runner that was not seen for this time has left. */
export const absentMillis = 5000

/** The time of a turn. */
export const turnMillis = 30_000
