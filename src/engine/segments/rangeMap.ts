/**
 * Which bytes of a file are there, and who fetches which of the others.
 *
 * Every byte is there, or claimed by one who fetches it, or in a hole. A claim that is given up leaves as there what was
 * written of it, and the rest as a hole.
 *
 * @internal
 */

/** From `startBytes`, inclusive, to `endBytes`, exclusive. */
export interface Range {
  readonly startBytes: number
  readonly endBytes: number
}

/** A range that somebody fetches from its start to its end, and what has come of it. */
export interface Claim {
  startBytes: number
  /** Up to here it is written. */
  doneBytes: number
  /** Up to here it has come. */
  nextBytes: number
  /** Moved down when others take some of it, and up when nobody wants what follows. */
  endBytes: number
  /** When something came last, or the answer did that promises it, in milliseconds. */
  cameAt: number
  /** It is all that another one had left, and is nobody else's any more. */
  isTakenOver: boolean
}

/** What can be given to more than one. */
interface Piece {
  readonly range: Range
  /** Who fetches it; a hole is nobody's. */
  readonly claim: Claim | undefined
  shares: number
}

export const claimOf = (startBytes: number, endBytes: number): Claim => ({
  startBytes,
  doneBytes: startBytes,
  nextBytes: startBytes,
  endBytes,
  cameAt: Number.POSITIVE_INFINITY,
  isTakenOver: false
})

export class Coverage {
  /** In ascending order, and not adjacent. */
  private there: ReadonlyArray<Range> = []
  private thereBytes = 0
  private readonly claims = new Set<Claim>()

  constructor(readonly totalBytes: number) {}

  /** How many bytes are there. */
  get bytes(): number {
    let bytes = this.thereBytes
    for (const { doneBytes, startBytes } of this.claims) {
      bytes += doneBytes - startBytes
    }
    return bytes
  }

  get isWhole(): boolean {
    for (const { doneBytes, endBytes } of this.claims) {
      if (doneBytes < endBytes) {
        return false
      }
    }
    return this.holes().length === 0
  }

  /** What is neither there nor claimed, in ascending order. */
  holes(): ReadonlyArray<Range> {
    const taken: ReadonlyArray<Range> = [...this.there, ...this.claims].sort((a, b) => a.startBytes - b.startBytes)
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

  /** These bytes are there. */
  add(startBytes: number, endBytes: number): void {
    if (endBytes <= startBytes) {
      return
    }
    const merged: Array<{ startBytes: number; endBytes: number }> = []
    for (const range of [...this.there, { startBytes, endBytes }].sort((a, b) => a.startBytes - b.startBytes)) {
      const last = merged.at(-1)
      if (last !== undefined && range.startBytes <= last.endBytes) {
        last.endBytes = Math.max(last.endBytes, range.endBytes)
      } else {
        merged.push({ startBytes: range.startBytes, endBytes: range.endBytes })
      }
    }
    this.there = merged
    this.thereBytes = merged.reduce((sum, range) => sum + range.endBytes - range.startBytes, 0)
  }

  /** Takes a part of a hole. */
  claim(startBytes: number, endBytes: number): Claim {
    const claim = claimOf(startBytes, endBytes)
    this.claims.add(claim)
    return claim
  }

  /** Makes what somebody is about to fetch a claim. */
  adopt(claim: Claim): void {
    this.claims.add(claim)
  }

  /** What was written of it is there; the rest is anybody's. */
  release(claim: Claim): void {
    if (this.claims.delete(claim)) {
      this.add(claim.startBytes, claim.doneBytes)
    }
  }

  /**
   * Moves the end of a claim up, over what nobody else has or fetches, or of which nothing was promised yet: who asked
   * for that may be told that there are no ranges, when this one has long stopped. At most to here. Says whether it moved.
   */
  extend(claim: Claim, upToBytes: number): boolean {
    if (upToBytes <= claim.endBytes) {
      return false
    }
    const hole = this.holes().find(({ startBytes }) => startBytes === claim.endBytes)
    if (hole !== undefined) {
      claim.endBytes = Math.min(hole.endBytes, upToBytes)
      return true
    }
    for (const other of this.claims) {
      const isUnanswered = other !== claim && other.cameAt === Number.POSITIVE_INFINITY
      // As a whole: what is left of it would not begin where it was asked for.
      if (isUnanswered && other.nextBytes === claim.endBytes && isWithin(other, upToBytes)) {
        claim.endBytes = other.endBytes
        other.endBytes = other.nextBytes
        return true
      }
    }
    return false
  }

  /** How many claims `split` would give. */
  room(count: number, leastBytes: number): number {
    return this.plan(count, leastBytes).reduce(
      (sum, { claim, shares }) => sum + shares - (claim === undefined ? 0 : 1),
      0
    )
  }

  /**
   * Up to so many new claims: first on the holes, in their order, and then on shares of what is largest, none of them
   * smaller than this. What is cut is cut in equal shares, and who fetches it keeps the first.
   */
  split(count: number, leastBytes: number): ReadonlyArray<Claim> {
    const fresh: Array<Claim> = []
    for (const { claim, range, shares } of this.plan(count, leastBytes)) {
      const lengthBytes = range.endBytes - range.startBytes
      const boundary = (share: number): number => range.startBytes + Math.floor((lengthBytes * share) / shares)
      if (claim !== undefined) {
        claim.endBytes = boundary(1)
      }
      for (let share = claim === undefined ? 0 : 1; share < shares; share++) {
        fresh.push(this.claim(boundary(share), boundary(share + 1)))
      }
    }
    return fresh
  }

  /** The claim that has most left of those to which nothing came since, and of which nobody has taken over the rest. */
  silent(sinceMillis: number): Claim | undefined {
    let found: Claim | undefined
    for (const claim of this.claims) {
      const isSilent = claim.cameAt < sinceMillis && !claim.isTakenOver && claim.endBytes > claim.nextBytes
      if (isSilent && (found === undefined || claim.endBytes - claim.nextBytes > found.endBytes - found.nextBytes)) {
        found = claim
      }
    }
    return found
  }

  /** All that the silent one has left; once, or two would take it from each other for good. */
  takeOver(sinceMillis: number): Claim | undefined {
    const from = this.silent(sinceMillis)
    if (from === undefined) {
      return undefined
    }
    const taken = this.claim(from.nextBytes, from.endBytes)
    taken.isTakenOver = true
    from.endBytes = from.nextBytes
    return taken
  }

  /** The pieces that are to be divided, each with the number of those that are to fetch it. */
  private plan(count: number, leastBytes: number): ReadonlyArray<Piece> {
    const pieces: ReadonlyArray<Piece> = [
      ...this.holes().map((range) => ({ range, claim: undefined, shares: 0 })),
      ...Array.from(this.claims, (claim) => ({
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

/** How large its shares are when one more fetches it. A hole that nobody fetches comes before all else. */
const shareAfter = ({ range, shares }: Piece): number =>
  shares === 0 ? Number.POSITIVE_INFINITY : (range.endBytes - range.startBytes) / (shares + 1)

const isWithin = ({ endBytes, nextBytes }: Claim, upToBytes: number): boolean =>
  endBytes > nextBytes && endBytes <= upToBytes
