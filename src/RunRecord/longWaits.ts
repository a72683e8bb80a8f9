/**
 * Why transfers of a run have waited for permits.
 *
 * @internal
 */
import type { Blocked } from "../DownloadEvent.js"
import { isOfOrigin } from "../internal/text/longWaitText.js"
import type { LongWaitSums } from "./data.js"

type Mutable<A> = { -readonly [key in keyof A]: A[key] }

const kindsAtMost = 1000

export class LongWaits {
  private readonly kinds: Array<Mutable<LongWaitSums>> = []
  private readonly positions = new Map<string, number>()

  /** The position of the reason; -1 if there are too many. `before` are those of earlier events of the transfer. */
  add({ limit, obstacle, origin }: Blocked, before: ReadonlyArray<number>): number {
    const key = isOfOrigin(obstacle) ? `${obstacle} ${origin}` : obstacle
    const position = this.positions.get(key) ?? this.addKind(key, { origin, obstacle, limit, transfers: 0 })
    const kind = this.kinds[position]
    if (kind !== undefined) {
      kind.transfers += before.includes(position) ? 0 : 1
      kind.limit = limit === undefined ? kind.limit : Math.min(limit, kind.limit ?? limit)
    }
    return position
  }

  data(): ReadonlyArray<LongWaitSums> {
    return this.kinds.map((kind) => ({ ...kind }))
  }

  private addKind(key: string, kind: LongWaitSums): number {
    if (this.kinds.length >= kindsAtMost) {
      return -1
    }
    const position = this.kinds.push(kind) - 1
    this.positions.set(key, position)
    return position
  }
}
