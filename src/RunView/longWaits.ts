/**
 * What transfers wait for: permits, and other things.
 *
 * @internal
 */
import type { DownloadRequest } from "../Download.js"
import type { Blocked } from "../DownloadEvent.js"
import { isOfOrigin } from "../internal/text/longWaitText.js"
import type { LongWait } from "./snapshot.js"

interface Awaited {
  readonly event: Blocked
  /** When a pause ends. */
  readonly until: number
}

interface Group {
  readonly first: Awaited
  latest: Awaited
  transfers: number
}

export class LongWaits {
  private readonly awaited = new Map<DownloadRequest, Awaited>()

  add(event: Blocked, now: number): void {
    this.awaited.set(event.request, { event, until: now + (event.pauseMillis ?? 0) })
  }

  has(request: DownloadRequest): boolean {
    return this.awaited.size > 0 && this.awaited.has(request)
  }

  /** Returns true if the transfer has waited. */
  end(request: DownloadRequest): boolean {
    return this.awaited.size > 0 && this.awaited.delete(request)
  }

  /** The waits by their origin and their obstacle. */
  groups(now: number): ReadonlyArray<LongWait> {
    const groups = new Map<string, Group>()
    for (const one of this.awaited.values()) {
      const { obstacle, origin } = one.event
      const key = isOfOrigin(obstacle) ? `${obstacle} ${origin}` : obstacle
      const group = groups.get(key)
      if (group === undefined) {
        groups.set(key, { first: one, latest: one, transfers: 1 })
      } else {
        group.transfers++
        // The limit may have changed since the event of another transfer.
        group.latest = one.event.atMillis >= group.latest.event.atMillis ? one : group.latest
      }
    }
    return Array.from(groups.values(), (group) => waitOf(group, now)).sort(
      (one, other) => other.transfers - one.transfers
    )
  }
}

const waitOf = ({ first, latest, transfers }: Group, now: number): LongWait => {
  const { limit, obstacle, origin } = latest.event
  return {
    origin,
    obstacle,
    limit,
    remainingMillis: obstacle === "pause" ? Math.max(0, latest.until - now) : undefined,
    request: first.event.request,
    transfers
  }
}
