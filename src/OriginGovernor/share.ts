/**
 * The part of the limits of each origin that one governor has, if several processes keep the limits together.
 */
export class Share {
  private members = 1
  private place = 0
  private turn = 0

  /** Sets the number of processes, the place of this one among them, from 0, and the number of the turn. */
  set(members: number, place: number, turn: number): void {
    this.members = members
    this.place = place
    this.turn = turn
  }

  /**
   * The permits of this process. Those of all places add up to the limit. With fewer permits than processes, each turn gives them to
   * others. Otherwise the shares stay: if they moved, two processes that do not see the turn at the same time could exceed the limit.
   */
  permits(limit: number): number {
    const { members, place, turn } = this
    const rank = limit < members ? (place + turn) % members : place
    return members === 1 ? limit : Math.floor((limit + rank) / members)
  }

  /** What a request or a byte counts against a rate. */
  get weight(): number {
    return this.members
  }
}
