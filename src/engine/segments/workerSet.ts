/**
 * The workers that bring segments beside the response of an attempt, and their permits.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import type { Permit } from "../../OriginGovernor.js"
import type { FileTransfer } from "../fileTransfer.js"
import type { Hop } from "../redirect.js"
import type { Source } from "./mirrors.js"
import type { RangeMap } from "./rangeMap.js"
import type { Segment } from "./segment.js"

export interface Worker {
  readonly source: Source
  /** The URL of its requests, for whose origin it has a permit. */
  readonly hop: Hop
  permit: Permit | undefined
  segment: Segment | undefined
  /** True if another transfer waits for the permit. */
  isWanted: boolean
}

export class WorkerSet {
  private readonly workers = new Set<Worker>()

  constructor(private readonly transfer: FileTransfer) {}

  get size(): number {
    return this.workers.size
  }

  get all(): ReadonlyArray<Worker> {
    return Array.from(this.workers)
  }

  of(source: Source): ReadonlyArray<Worker> {
    return this.all.filter((worker) => worker.source === source)
  }

  /** Adds a worker for the first of these servers that has an idle permit. */
  hire(sources: ReadonlyArray<Source>): Worker | undefined {
    const { transfer } = this
    for (const source of sources) {
      const { hop } = source
      const worker: Worker = { source, hop, permit: undefined, segment: undefined, isWanted: false }
      const onWanted = (): void => {
        worker.isWanted = true
        worker.segment?.abort()
      }
      worker.permit = transfer.governor.tryAcquireIdle(hop.origin, onWanted, transfer.permitOptions)
      if (worker.permit !== undefined) {
        this.workers.add(worker)
        return worker
      }
    }
    return undefined
  }

  dismiss(worker: Worker): void {
    this.workers.delete(worker)
    worker.permit?.release()
  }

  /** Removes all workers, and keeps their permits. */
  clear(): ReadonlyArray<Worker> {
    const { all } = this
    this.workers.clear()
    return all
  }
}

/** Closes the exchange of a worker, gives back its range, and releases its permit. */
export const closeWorker = ({ permit, segment }: Worker, ranges: RangeMap): Effect.Effect<void> =>
  Effect.ensuring(
    segment?.close ?? Effect.void,
    Effect.sync(() => {
      if (segment !== undefined) {
        ranges.release(segment.claim)
      }
      permit?.release()
    })
  )
