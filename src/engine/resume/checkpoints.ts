/**
 * Decides when the record of a part is written while its body is received.
 *
 * A checkpoint runs beside the body. Only one runs or waits at a time, and a chunk costs the comparison of two numbers. Most
 * checkpoints are not synced: they survive the end of the process. With the durability `full`, a synced one follows from time to time.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { matchExit } from "../../internal/andThen.js"
import type { Durability, Part } from "../../Store.js"
import type { PartialFile } from "../partialFile.js"
import type { ResumeRule } from "./resumeRule.js"

// The time between two checkpoints is at least this many times the time that the last one took.
const pauses = 9

export class Checkpoints {
  /** The number of received bytes at which the next decision is due. */
  dueBytes: number
  private isRunning = false
  private hasTaken = false
  private takenBytes = 0
  private takenAt = Number.NaN
  private syncedAt = 0
  private costMillis = 0
  private syncCostMillis = 0

  constructor(
    private readonly partial: PartialFile,
    private readonly rule: ResumeRule,
    private readonly durability: Durability,
    private readonly now: () => number
  ) {
    this.dueBytes = partial.isResumable ? Math.max(rule.earlyBytes, rule.leastBytes) : Number.POSITIVE_INFINITY
  }

  /** Call it when an attempt begins: the checkpoint of an earlier one has ended, or was never run. */
  begin(nowMillis: number): void {
    this.isRunning = false
    this.hasTaken ||= this.partial.openedBytes > 0
    if (Number.isNaN(this.takenAt)) {
      this.takenAt = nowMillis
      this.syncedAt = nowMillis
    }
  }

  /** Returns a checkpoint if it is time for one. Call it when `dueBytes` bytes are received. */
  next(part: Part): Effect.Effect<void> | undefined {
    const { partial, rule } = this
    const { receivedBytes, totalBytes } = partial
    this.dueBytes = receivedBytes + rule.earlyBytes
    // The rest arrives soon, and then the part is published.
    const isEnd = totalBytes !== undefined && totalBytes - partial.bytes < rule.earlyBytes
    if (this.isRunning || isEnd || !partial.isKeepable) {
      return undefined
    }
    const now = this.now()
    const sinceMillis = now - this.takenAt
    const leastMillis = this.hasTaken ? rule.earlyMillis : rule.firstMillis
    const isDue = receivedBytes - this.takenBytes >= rule.stepBytes || sinceMillis >= leastMillis
    const pauseMillis = pauses * this.costMillis - sinceMillis
    if (!isDue) {
      return undefined
    }
    return pauseMillis <= 0 ? this.take(part, now) : this.takeLater(part, pauseMillis)
  }

  /** Takes a checkpoint after a pause, because the body may be silent then and make no other decision. */
  private takeLater(part: Part, pauseMillis: number): Effect.Effect<void> {
    this.isRunning = true
    return Effect.zipRight(
      Effect.interruptible(Effect.sleep(pauseMillis)),
      Effect.suspend(() => {
        if (this.partial.isKeepable) {
          return this.take(part, this.now())
        }
        this.isRunning = false
        return Exit.void
      })
    )
  }

  private take(part: Part, beganAt: number): Effect.Effect<void> {
    const { partial, rule } = this
    const { receivedBytes } = partial
    const isSynced =
      this.durability === "full" &&
      beganAt - this.syncedAt >= Math.max(rule.syncMillis, 2 * pauses * this.syncCostMillis)
    this.isRunning = true
    this.hasTaken = true
    // If the disk fails, the next write or the publish says so.
    return matchExit(partial.checkpoint(part, isSynced ? "full" : "rename"), (exit): Effect.Effect<void> => {
      const endedAt = this.now()
      this.isRunning = false
      this.takenAt = endedAt
      this.takenBytes = Exit.isSuccess(exit) ? receivedBytes : this.takenBytes
      if (isSynced) {
        this.syncedAt = endedAt
        this.syncCostMillis = endedAt - beganAt
      } else {
        this.costMillis = endedAt - beganAt
      }
      // What has arrived since then.
      return this.partial.receivedBytes - receivedBytes >= rule.stepBytes ? (this.next(part) ?? Exit.void) : Exit.void
    })
  }
}
