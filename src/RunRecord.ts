/**
 * A record of a run: when each transfer waited, connected, received and tried again, how it ended, and sums over all of them.
 *
 * A record is fed with the events of a run. It keeps up to 100,000 transfers one by one, in about 200 bytes each besides their URLs and
 * paths. Further ones are in the sums and in the timeline. Of those, 1,000 that failed and the 100 that took longest have a row too.
 * Memory does not grow after that.
 *
 * @since 0.2.0
 */
import type { DownloadEvent } from "./DownloadEvent.js"
import type { Picture, RunData } from "./RunRecord/data.js"
import { Recorder } from "./RunRecord/recorder.js"

export {
  type DelayColumns,
  type ExchangeColumns,
  type FailureKind,
  type LeftoverSums,
  type LongWaitSums,
  type OriginSums,
  type Outcome,
  type OutcomeCounts,
  outcomes,
  type Phase,
  type PhaseMillis,
  type Picture,
  type RunData,
  type ShardsData,
  type Timeline,
  type TransferColumns
} from "./RunRecord/data.js"

/**
 * A record of one run.
 *
 * @category models
 * @since 0.2.0
 */
export interface RunRecord {
  /** Takes an event. It does not throw. Events of one run must be in their order. */
  readonly receive: (event: DownloadEvent) => void
  /** Adds to the number of files of the run. Those for which no event arrives are counted as not started. */
  readonly expect: (files: number) => void
  /** Calls `take` with each saved file and its row, until `take` returns false. */
  readonly saved: (take: (file: string, row: number) => boolean) => void
  /**
   * What was recorded so far. URLs have no secrets unless `hasSecrets` is true. `pictures` are added to it as they are. Read it at the
   * end: transfers beyond the limit that have a row get it now.
   */
  readonly data: (options?: {
    readonly pictures?: ReadonlyArray<Picture> | undefined
    readonly hasSecrets?: boolean | undefined
    /** What helps against the failures. */
    readonly hints?: ReadonlyArray<string> | undefined
    /** True if the events are those of failed files only. */
    readonly hasFailuresOnly?: boolean | undefined
  }) => RunData
}

/**
 * Makes an empty record. `transfersAtMost` is the number of transfers that are kept one by one. Default: 100,000.
 *
 * @category constructors
 * @since 0.2.0
 */
export const make = (options?: { readonly transfersAtMost?: number | undefined }): RunRecord => {
  const recorder = new Recorder(options?.transfersAtMost ?? 100_000)
  return {
    receive: (event) => recorder.receive(event),
    expect: (files) => recorder.expect(files),
    saved: (take) => recorder.saved(take),
    data: ({ hasFailuresOnly = false, hasSecrets = false, hints = [], pictures = [] } = {}) => ({
      ...recorder.data(pictures, hasSecrets),
      hasFailuresOnly,
      hints
    })
  }
}
