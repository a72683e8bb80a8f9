/**
 * The part of the limits of each origin that one governor has, if several processes keep the limits together.
 */
export class Share {
  private members = 1
  private rank = 0

  /** Sets the number of processes, and the place of this one among them, from 0. */
  set(members: number, rank: number): void {
    this.members = members
    this.rank = rank
  }

  /** The permits of this process. Those of all places add up to the limit: with fewer permits than processes, some have none. */
  permits(limit: number): number {
    return this.members === 1 ? limit : Math.floor((limit + this.rank) / this.members)
  }

  /** What a request or a byte counts against a rate. */
  get weight(): number {
    return this.members
  }
}
