/**
 * Which range a worker requests next: a hole, a share of a large claim, or the whole rest of a claim that does not get on.
 *
 * @internal
 */
import type { Source } from "./mirrors.js"
import type { Claim, RangeMap } from "./rangeMap.js"
import type { SegmentRule } from "./segmentRule.js"

export class NextClaim {
  constructor(
    private readonly ranges: RangeMap,
    private readonly source: Source,
    private readonly rule: SegmentRule,
    private readonly now: number
  ) {}

  get exists(): boolean {
    return this.ranges.room(...this.share) > 0 || this.ranges.silent(...this.lagging(0)) !== undefined
  }

  take(): Claim | undefined {
    return this.ranges.split(...this.share)[0] ?? this.ranges.takeOver(...this.lagging(0))
  }

  /** Whether there is a hole, or a claim that has been slow or silent for a while. */
  get isRelief(): boolean {
    return (
      this.ranges.firstHole !== undefined || this.ranges.silent(...this.lagging(this.rule.worthMillis)) !== undefined
    )
  }

  takeRelief(): Claim | undefined {
    return this.ranges.claimHole() ?? this.ranges.takeOver(...this.lagging(this.rule.worthMillis))
  }

  /** A share of a claim that arrives here before the claim would have brought it. */
  private get share(): [count: number, leastBytes: number, mayDivide: (claim: Claim) => boolean] {
    return [1, this.rule.leastTakenBytes, (claim) => this.source.mayShare(claim, this.now)]
  }

  /** Claims whose rest would arrive sooner if this server is asked for it. */
  private lagging(leastMillis: number): [silentSince: number, isSlow: (claim: Claim) => boolean] {
    const { now, rule, source } = this
    return [
      now - Math.max(leastMillis, 2 * source.answerMillis),
      (claim) => source.isFaster(claim, now, Math.max(leastMillis, rule.measureMillis))
    ]
  }
}
