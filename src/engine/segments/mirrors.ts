/**
 * The servers that may bring segments of a file: that of the attempt, and the mirrors.
 *
 * @internal
 */
import * as Validator from "../../internal/http/validator.js"
import type { PartialFile } from "../partialFile.js"
import type { Reachability } from "../reachability.js"
import type { Hop } from "../redirect.js"
import type { Claim } from "./rangeMap.js"

/** A URL of the file, and what its server has shown. */
export class Source {
  /** True if it has answered with a range. Until then, one segment is enough to find out. */
  isProven = false
  /** True if it gets no more requests for segments. */
  isGivenUp = false
  /** The time that the head of its latest response has taken. */
  answerMillis = 0
  /** The rate of its latest segment, and 0 before that. */
  private bytesPerMilli = 0
  readonly firstHop: Hop

  constructor(
    /** The URL of the next segment. A redirect has changed it. */
    public hop: Hop,
    readonly isMirror: boolean
  ) {
    this.firstHop = hop
  }

  /** True if it is a mirror that has answered with a range, and has not failed. */
  get isHelping(): boolean {
    return this.isMirror && this.isProven && !this.isGivenUp
  }

  /** Call it when its response has brought its bytes. */
  measured({ answeredAt, nextBytes, startBytes }: Claim, now: number): void {
    if (nextBytes > startBytes) {
      this.bytesPerMilli = (nextBytes - startBytes) / Math.max(1, now - answeredAt)
    }
  }

  /** Whether a claim takes longer than `leastMillis`, and its rest would arrive twice as soon from this server. */
  isFaster(claim: Claim, now: number, leastMillis: number): boolean {
    const millis = restMillis(claim, now)
    return millis !== undefined && millis > Math.max(leastMillis, 2 * this.millisFor(claim.endBytes - claim.nextBytes))
  }

  /** Whether half of a claim would arrive from this server before the claim has brought all of it. */
  mayShare(claim: Claim, now: number): boolean {
    const millis = restMillis(claim, now)
    const isKnown = millis !== undefined && this.bytesPerMilli > 0
    return !isKnown || this.millisFor((claim.endBytes - claim.nextBytes) / 2) <= millis
  }

  private millisFor(bytes: number): number {
    return this.answerMillis + bytes / this.bytesPerMilli
  }
}

/** When the rest of a claim will have arrived, at its present rate. Undefined if it has brought nothing. */
const restMillis = ({ answeredAt, endBytes, nextBytes, startBytes }: Claim, now: number): number | undefined =>
  nextBytes > startBytes ? ((endBytes - nextBytes) * (now - answeredAt)) / (nextBytes - startBytes) : undefined

/** The mirrors of a transfer that have not taken the place of its URL. */
export class Mirrors {
  /** True if the part has bytes of several servers. */
  private isMixed = false

  constructor(private left: ReadonlyArray<Source>) {}

  /**
   * The mirrors that may bring segments now. The digest of the request proves their bytes at the end, or else the strong entity tag
   * of each response. A mirror that another transfer cannot reach is left to that transfer.
   */
  forSegments({ failedSegments, hasDigest, totalBytes, validator }: PartialFile, reachability: Reachability) {
    const isProved = hasDigest || (validator !== undefined && Validator.isEntityTag(validator))
    return this.left.length > 0 && isProved && totalBytes !== undefined && Number.isFinite(failedSegments)
      ? this.left.filter(({ hop, isGivenUp }) => !isGivenUp && !reachability.isInDoubt(hop.origin))
      : []
  }

  /** Returns the mirror that takes the place of the URL, or undefined. Those that were given up come last. */
  next(): Hop | undefined {
    const next = this.left.find(({ isGivenUp }) => !isGivenUp) ?? this.left[0]
    this.left = this.left.filter((mirror) => mirror !== next)
    return next?.firstHop
  }

  /** Call it when the part gets bytes of another server than those before. */
  onMixed(): void {
    this.isMixed = true
  }

  /** Call it when the part is emptied. */
  onEmptied(): void {
    this.isMixed = false
  }

  /** Returns once whether the content that was refused had bytes of several servers. One of them alone may have the file. */
  mayRetryAlone({ failedSegments }: PartialFile): boolean {
    const { isMixed } = this
    this.isMixed = false
    return isMixed && failedSegments === Number.POSITIVE_INFINITY
  }
}
