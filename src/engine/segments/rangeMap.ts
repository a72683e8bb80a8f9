/**
 * The ranges of a file that are in the part, and those that are being received.
 *
 * Each byte is in the part, in a claim, or in a hole. The written bytes of a released claim are in the part; its other bytes
 * are a hole again.
 *
 * @internal
 */

/** From `startBytes`, inclusive, to `endBytes`, exclusive. */
export interface Range {
  readonly startBytes: number
  readonly endBytes: number
}

/** A range that one response brings, from its start to its end. */
export interface Claim {
  readonly startBytes: number
  /** The end of the written bytes. */
  doneBytes: number
  /** The end of the received bytes. */
  nextBytes: number
  /** Lower if another claim takes a share of this one, and higher if this one continues over bytes that no other claim has. */
  endBytes: number
  /** When the latest bytes or the head of the response arrived, in milliseconds; infinity before that. */
  activeAt: number
  /** When the head of the response arrived; infinity before that. */
  answeredAt: number
  /** True for the rest of a claim that was taken over. It is not taken over once more because it is silent. */
  isTakenOver: boolean
}

/** A hole or a claim, with the number of claims that it is divided into. */
interface Piece {
  readonly range: Range
  readonly claim: Claim | undefined
  shares: number
}

export class RangeMap {
  /** The ranges in the part, in ascending order and not adjacent. */
  private written: ReadonlyArray<Range> = []
  private writtenBytes = 0
  private readonly claims: Array<Claim> = []

  /** `totalBytes`: infinity while it is unknown. */
  constructor(public totalBytes = Number.POSITIVE_INFINITY) {}

  /** The number of written bytes. */
  get bytes(): number {
    let bytes = this.writtenBytes
    for (const { doneBytes, startBytes } of this.claims) {
      bytes += doneBytes - startBytes
    }
    return bytes
  }

  /** True if all bytes of the file are written. */
  get isWhole(): boolean {
    return this.claims.every(({ doneBytes, endBytes }) => doneBytes >= endBytes) && this.firstHole === undefined
  }

  /** The first range that is neither written nor claimed. */
  get firstHole(): Range | undefined {
    return this.written.length === 0 && this.claims.length === 0
      ? { startBytes: 0, endBytes: this.totalBytes }
      : this.holes()[0]
  }

  /** True if bytes after a claim are written: they were received by segments. */
  hasBeyond(claim: Claim): boolean {
    return this.written.some(({ startBytes }) => startBytes > claim.startBytes)
  }

  /** True if the written bytes are the beginning of the file. */
  get isPrefix(): boolean {
    return this.firstHole === undefined || this.firstHole.startBytes === this.bytes
  }

  /** The ranges that are neither written nor claimed, in ascending order. */
  holes(): ReadonlyArray<Range> {
    const taken: ReadonlyArray<Range> = [...this.written, ...this.claims].sort((a, b) => a.startBytes - b.startBytes)
    const holes: Array<Range> = []
    let positionBytes = 0
    for (const { endBytes, startBytes } of taken) {
      if (startBytes > positionBytes) {
        holes.push({ startBytes: positionBytes, endBytes: startBytes })
      }
      positionBytes = Math.max(positionBytes, endBytes)
    }
    return positionBytes < this.totalBytes
      ? [...holes, { startBytes: positionBytes, endBytes: this.totalBytes }]
      : holes
  }

  /** Records that a range is written. */
  add(startBytes: number, endBytes: number): void {
    if (endBytes <= startBytes) {
      return
    }
    if (this.written.length === 0) {
      this.written = [{ startBytes, endBytes }]
      this.writtenBytes = endBytes - startBytes
      return
    }
    this.written = merged([...this.written, { startBytes, endBytes }])
    this.writtenBytes = this.written.reduce((sum, range) => sum + range.endBytes - range.startBytes, 0)
  }

  /** The written ranges, also those of claims, in ascending order and not adjacent. */
  get writtenRanges(): ReadonlyArray<Range> {
    const ofClaims = this.claims.flatMap(({ doneBytes, startBytes }) =>
      doneBytes > startBytes ? [{ startBytes, endBytes: doneBytes }] : []
    )
    return merged([...this.written, ...ofClaims])
  }

  /** Claims a part of a hole. */
  claim(startBytes: number, endBytes: number): Claim {
    const claim: Claim = {
      startBytes,
      doneBytes: startBytes,
      nextBytes: startBytes,
      endBytes,
      activeAt: Number.POSITIVE_INFINITY,
      answeredAt: Number.POSITIVE_INFINITY,
      isTakenOver: false
    }
    this.claims.push(claim)
    return claim
  }

  /** Claims the bytes of a response that begins at the first hole: to the end of the hole or of the response. */
  claimFirst(startBytes: number, endBytes: number): Claim {
    return this.claim(startBytes, Math.min(endBytes, this.firstHole?.endBytes ?? endBytes))
  }

  /** Ends a claim: its written bytes stay, and the others are a hole. May be called several times. */
  release(claim: Claim): void {
    const index = this.claims.indexOf(claim)
    if (index !== -1) {
      this.claims.splice(index, 1)
      this.add(claim.startBytes, claim.doneBytes)
    }
  }

  /**
   * Raises the end of a claim, up to `upToBytes`, over a hole or over a whole claim whose response has not begun: the server may
   * refuse that range when this response has ended. Returns whether the end was raised.
   */
  extend(claim: Claim, upToBytes: number): boolean {
    const next = this.next(claim, upToBytes)
    if (next === undefined) {
      return false
    }
    claim.endBytes = Math.min(next.endBytes, upToBytes)
    if (next.from !== undefined) {
      next.from.endBytes = next.from.nextBytes
    }
    return true
  }

  /** What `extend` would raise the end of a claim over: a hole, or the range of another claim. */
  next(claim: Claim, upToBytes: number): (Range & { readonly from?: Claim }) | undefined {
    const { endBytes } = claim
    if (upToBytes <= endBytes) {
      return undefined
    }
    const hole = this.holes().find(({ startBytes }) => startBytes === endBytes)
    if (hole !== undefined) {
      return hole
    }
    const from = this.claims.find(
      (other) =>
        other !== claim &&
        other.activeAt === Number.POSITIVE_INFINITY &&
        other.nextBytes === endBytes &&
        // Only a whole claim, because its response begins where it was requested.
        isWithin(other, upToBytes)
    )
    return from && { startBytes: endBytes, endBytes: from.endBytes, from }
  }

  /** The number of claims that `split` would return. */
  room(count: number, leastBytes: number, mayDivide?: (claim: Claim) => boolean): number {
    return this.plan(count, leastBytes, mayDivide).reduce(
      (sum, { claim, shares }) => sum + shares - (claim === undefined ? 0 : 1),
      0
    )
  }

  /**
   * Makes at most `count` new claims: first of holes, in ascending order, and then of equal shares of the largest claims. A
   * share of a claim has at least `leastBytes`. A divided claim keeps its first share. Only the claims that `mayDivide` returns true
   * for are divided.
   */
  split(count: number, leastBytes: number, mayDivide?: (claim: Claim) => boolean): ReadonlyArray<Claim> {
    const claims: Array<Claim> = []
    for (const { claim, range, shares } of this.plan(count, leastBytes, mayDivide)) {
      const lengthBytes = range.endBytes - range.startBytes
      const boundary = (share: number): number => range.startBytes + Math.floor((lengthBytes * share) / shares)
      if (claim !== undefined) {
        claim.endBytes = boundary(1)
      }
      for (let share = claim === undefined ? 0 : 1; share < shares; share++) {
        claims.push(this.claim(boundary(share), boundary(share + 1)))
      }
    }
    return claims
  }

  /** Claims the first hole. */
  claimHole(): Claim | undefined {
    const hole = this.firstHole
    return hole && this.claim(hole.startBytes, hole.endBytes)
  }

  /** The claim with the largest rest among those that are slow, and those that are silent since then and were not taken over. */
  silent(sinceMillis: number, isSlow: (claim: Claim) => boolean = () => false): Claim | undefined {
    let found: Claim | undefined
    for (const claim of this.claims) {
      const isSilent = claim.activeAt < sinceMillis && !claim.isTakenOver
      const isLate = claim.endBytes > claim.nextBytes && (isSilent || isSlow(claim))
      if (isLate && (found === undefined || claim.endBytes - claim.nextBytes > found.endBytes - found.nextBytes)) {
        found = claim
      }
    }
    return found
  }

  /** Claims the whole rest of such a claim. If it was silent, once: two responses would take it from each other without end. */
  takeOver(sinceMillis: number, isSlow?: (claim: Claim) => boolean): Claim | undefined {
    const from = this.silent(sinceMillis, isSlow)
    if (from === undefined) {
      return undefined
    }
    const taken = this.claim(from.nextBytes, from.endBytes)
    taken.isTakenOver = true
    from.endBytes = from.nextBytes
    return taken
  }

  /** The pieces to divide, each with its number of shares. */
  private plan(
    count: number,
    leastBytes: number,
    mayDivide: (claim: Claim) => boolean = () => true
  ): ReadonlyArray<Piece> {
    const pieces: ReadonlyArray<Piece> = [
      ...this.holes().map((range) => ({ range, claim: undefined, shares: 0 })),
      ...this.claims.filter(mayDivide).map((claim) => ({
        range: { startBytes: claim.nextBytes, endBytes: claim.endBytes },
        claim,
        shares: 1
      }))
    ]
    for (let left = count; left > 0; left--) {
      let best: Piece | undefined
      for (const piece of pieces) {
        if (best === undefined || shareAfter(piece) > shareAfter(best)) {
          best = piece
        }
      }
      if (best === undefined || (best.shares > 0 && shareAfter(best) < leastBytes)) {
        break
      }
      best.shares++
    }
    return pieces.filter(({ claim, shares }) => shares > (claim === undefined ? 0 : 1))
  }
}

/** The union of the ranges, in ascending order and not adjacent. */
const merged = (ranges: ReadonlyArray<Range>): ReadonlyArray<Range> => {
  const union: Array<{ startBytes: number; endBytes: number }> = []
  for (const { endBytes, startBytes } of [...ranges].sort((a, b) => a.startBytes - b.startBytes)) {
    const last = union.at(-1)
    if (last !== undefined && startBytes <= last.endBytes) {
      last.endBytes = Math.max(last.endBytes, endBytes)
    } else {
      union.push({ startBytes, endBytes })
    }
  }
  return union
}

/** The size of a share if the piece gets one more. A hole comes before all claims. */
const shareAfter = ({ range, shares }: Piece): number =>
  shares === 0 ? Number.POSITIVE_INFINITY : (range.endBytes - range.startBytes) / (shares + 1)

const isWithin = ({ endBytes, nextBytes }: Claim, upToBytes: number): boolean =>
  endBytes > nextBytes && endBytes <= upToBytes
