/**
 * Decides when the record of a part is written while its body is received.
 *
 * A checkpoint runs beside the body. Only one runs at a time, and a chunk costs the comparison of two numbers.
 *
 * @internal
 */
import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { matchExit } from "../../internal/andThen.js"
import type { Durability, Part } from "../../Store.js"
import type { PartialFile } from "../partialFile.js"
import type { ResumeRule } from "./resumeRule.js"

// The time between two checkpoints, as a multiple of the time that the last one took.
const pauses = 4

export class Checkpoints {
  /** The number of received bytes at which the next decision is due. */
  dueBytes: number
  private isRunning = false
  private takenBytes = 0
  private takenAt = 0
  private costMillis = 0

  constructor(
    private readonly partial: PartialFile,
    private readonly rule: ResumeRule,
    private readonly durability: Durability,
    private readonly now: () => number
  ) {
    this.dueBytes = partial.isResumable ? rule.earlyBytes : Number.POSITIVE_INFINITY
  }

  /** Call it when an attempt begins: the checkpoint of an earlier one has ended, or was never run. */
  begin(): void {
    this.isRunning = false
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
    const pauseMillis = pauses * this.costMillis
    const isDue = receivedBytes - this.takenBytes >= rule.stepBytes && now - this.takenAt >= pauseMillis
    const isEarly = now - this.takenAt >= Math.max(rule.earlyMillis, pauseMillis)
    return isDue || isEarly ? this.take(part, now) : undefined
  }

  private take(part: Part, beganAt: number): Effect.Effect<void> {
    const { receivedBytes } = this.partial
    this.isRunning = true
    // If the disk fails, the next write or the publish says so.
    return matchExit(this.partial.checkpoint(part, this.durability), (exit): Exit.Exit<void> => {
      this.isRunning = false
      this.takenAt = this.now()
      this.costMillis = this.takenAt - beganAt
      this.takenBytes = Exit.isSuccess(exit) ? receivedBytes : this.takenBytes
      return Exit.void
    })
  }
}
