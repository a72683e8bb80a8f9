/**
 * The content of a run record as plain data, which can be written as JSON. The report page reads it.
 *
 * Tables are columns of equal length, because a run may have 100,000 transfers. Times are whole milliseconds since the begin of the
 * run. A duration of -1 is not known. A text of -1 is none, and other texts are positions in `texts`.
 *
 * @since 0.2.0
 */

import type { LongWaitText } from "../internal/text/longWaitText.js"

/**
 * The phases of a transfer, in their order.
 *
 * - `permit`: the wait for a permit of the downloader and of the origin.
 * - `lookup`, `connect`, `tls`: opening a connection.
 * - `firstByte`: from the connection to the head of the response.
 * - `body`: the body.
 * - `delay`: the wait between two attempts.
 * - `finish`: the check of the content, and its publication.
 *
 * @category models
 * @since 0.2.0
 */
export type Phase = "permit" | "lookup" | "connect" | "tls" | "firstByte" | "body" | "delay" | "finish"

/**
 * The outcomes of transfers, and `unfinished` for transfers without one. `notStarted`: the run was stopped before anything was sent.
 *
 * @category models
 * @since 0.2.0
 */
export const outcomes: readonly ["saved", "skipped", "notModified", "failed", "cancelled", "notStarted", "unfinished"] =
  ["saved", "skipped", "notModified", "failed", "cancelled", "notStarted", "unfinished"]

/**
 * An outcome of a transfer, or `unfinished`.
 *
 * @category models
 * @since 0.2.0
 */
export type Outcome = (typeof outcomes)[number]

/**
 * How many transfers have each outcome.
 *
 * @category models
 * @since 0.2.0
 */
export type OutcomeCounts = { readonly [outcome in Outcome]: number }

/**
 * How long transfers were in each phase, in milliseconds. Phases that pass at the same time each count.
 *
 * @category models
 * @since 0.2.0
 */
export type PhaseMillis = { readonly [phase in Phase]: number }

/**
 * What is known about one origin of the requests.
 *
 * @category models
 * @since 0.2.0
 */
export interface OriginSums {
  /** Empty for the origins that have no place of their own. */
  readonly origin: string
  readonly counts: OutcomeCounts
  readonly phases: PhaseMillis
  /** The number of bytes that were received from it, also in attempts that failed. */
  readonly bytes: number
  readonly requests: number
  readonly retries: number
}

/**
 * Failed transfers of one kind.
 *
 * @category models
 * @since 0.2.0
 */
export interface FailureKind {
  /** What the failures have in common: `HTTP error 404 - Not Found`. */
  readonly reason: string
  /** The part of the work in which they happened: `first byte`. */
  readonly phase: string
  readonly count: number
}

/**
 * Transfers that have waited for a second or longer, for permits of an origin or for another thing, for the same reason.
 *
 * @category models
 * @since 0.2.0
 */
export interface LongWaitSums {
  readonly origin: string
  /** One of `DownloadEvent.Obstacle`. */
  readonly obstacle: LongWaitText["obstacle"]
  /** The lowest number of requests at a time that was allowed. Undefined if the obstacle is another one. */
  readonly limit: number | undefined
  readonly transfers: number
}

/**
 * What the transfers that failed or were cancelled have left.
 *
 * @category models
 * @since 0.2.0
 */
export interface LeftoverSums {
  /** The parts that are kept. The same command continues them. */
  readonly kept: { readonly files: number; readonly bytes: number }
  /** The received bytes that could not be kept, for each reason (`Download.Discarded`). `file` is the first of the files. */
  readonly discarded: ReadonlyArray<{
    readonly reason: "no-validator" | "no-ranges"
    readonly file: string
    readonly files: number
    readonly bytes: number
  }>
}

/**
 * The columns of the transfers, in the order in which they began.
 *
 * @category models
 * @since 0.2.0
 */
export interface TransferColumns {
  /** Positions in `origins`. */
  readonly origin: ReadonlyArray<number>
  /** The URLs, without their origin and without secrets. */
  readonly path: ReadonlyArray<string>
  readonly file: ReadonlyArray<string>
  readonly began: ReadonlyArray<number>
  readonly ended: ReadonlyArray<number>
  /** Positions in `outcomes`. */
  readonly outcome: ReadonlyArray<number>
  /** The size of a saved file, or the number of bytes that were received for another one. */
  readonly bytes: ReadonlyArray<number>
  readonly retries: ReadonlyArray<number>
  /** The message of the error. */
  readonly error: ReadonlyArray<number>
  /** The phase in which the transfer failed, for people. */
  readonly phase: ReadonlyArray<number>
  /** The reason of the last long wait, as a position in `longWaits`. -1 if there was none. */
  readonly longWait: ReadonlyArray<number>
}

/**
 * The columns of the requests to servers. They are in the order of their ends.
 *
 * @category models
 * @since 0.2.0
 */
export interface ExchangeColumns {
  /** Positions in the columns of the transfers. */
  readonly transfer: ReadonlyArray<number>
  readonly origin: ReadonlyArray<number>
  readonly began: ReadonlyArray<number>
  readonly permit: ReadonlyArray<number>
  readonly lookup: ReadonlyArray<number>
  readonly connect: ReadonlyArray<number>
  readonly tls: ReadonlyArray<number>
  readonly firstByte: ReadonlyArray<number>
  readonly body: ReadonlyArray<number>
  readonly attempt: ReadonlyArray<number>
  /** 0 if no head was received. */
  readonly status: ReadonlyArray<number>
  readonly bytes: ReadonlyArray<number>
  readonly error: ReadonlyArray<number>
}

/**
 * The columns of the waits between two attempts.
 *
 * @category models
 * @since 0.2.0
 */
export interface DelayColumns {
  readonly transfer: ReadonlyArray<number>
  readonly began: ReadonlyArray<number>
  readonly delay: ReadonlyArray<number>
  /** The number of the attempt that failed. */
  readonly attempt: ReadonlyArray<number>
  readonly error: ReadonlyArray<number>
}

/**
 * The run in intervals of equal length, from its begin.
 *
 * @category models
 * @since 0.2.0
 */
export interface Timeline {
  readonly intervalMillis: number
  readonly bytes: ReadonlyArray<number>
  /** The number of open requests times milliseconds. A request is open from its permit to its end. */
  readonly openMillis: ReadonlyArray<number>
  readonly ended: ReadonlyArray<number>
  readonly failed: ReadonlyArray<number>
}

/**
 * A saved file that is a picture.
 *
 * @category models
 * @since 0.2.0
 */
export interface Picture {
  /** A position in the columns of the transfers. */
  readonly transfer: number
  /** `data:image/png;base64,…`. */
  readonly source: string
}

/**
 * The content of a run record.
 *
 * @category models
 * @since 0.2.0
 */
export interface RunData {
  readonly version: 1
  /** True if files that did not fail are not in it. */
  readonly hasFailuresOnly: boolean
  /** What helps against the failures. */
  readonly hints: ReadonlyArray<string>
  /** Milliseconds since 1970. */
  readonly beganAtMillis: number
  readonly elapsedMillis: number
  /** The sums of all transfers, also of those that have no row. Files that the run has not taken from its input are not started. */
  readonly counts: OutcomeCounts
  readonly phases: PhaseMillis
  /** The size of all saved files. */
  readonly savedBytes: number
  readonly receivedBytes: number
  readonly requests: number
  readonly retries: number
  /** The most requests that were open at a time, as seen at the ends of the intervals of `timeline`. */
  readonly openAtMost: number
  readonly origins: ReadonlyArray<OriginSums>
  readonly failures: ReadonlyArray<FailureKind>
  readonly longWaits: ReadonlyArray<LongWaitSums>
  readonly leftovers: LeftoverSums
  readonly timeline: Timeline
  readonly texts: ReadonlyArray<string>
  readonly transfers: TransferColumns
  readonly exchanges: ExchangeColumns
  readonly delays: DelayColumns
  readonly pictures: ReadonlyArray<Picture>
  /** The shards, if this is a batch. The other tables then have its failed files only, without times. */
  readonly shards?: ShardsData
}

/**
 * The shards of a batch, in the form of a run: a shard is a transfer, a runner an origin, the last attempt of a shard a request, and an
 * earlier attempt a wait until the next one.
 *
 * @category models
 * @since 0.2.0
 */
export interface ShardsData extends Omit<RunData, "shards"> {
  /** The id of the batch. */
  readonly batch: string
  readonly state: "waiting" | "running" | "cancelling" | "ended" | "cancelled"
  /** The number of shards, with those that have not begun and those that have no row. */
  readonly total: number
  readonly attempts: number
  /** The number of files of each shard that has a row. */
  readonly files: ReadonlyArray<number>
  /** Of these, the number that failed. */
  readonly failed: ReadonlyArray<number>
}
