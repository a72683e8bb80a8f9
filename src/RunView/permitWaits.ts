/**
 * What transfers wait for that have no permit.
 *
 * @internal
 */
import type { DownloadRequest } from "../Download.js"
import type { PermitAwaited } from "../DownloadEvent.js"
import type { PermitWait } from "./snapshot.js"

interface Awaited {
  readonly event: PermitAwaited
  /** When a pause ends. */
  readonly until: number
}

interface Group {
  readonly first: Awaited
  latest: Awaited
  transfers: number
}

export class PermitWaits {
  private readonly awaited = new Map<DownloadRequest, Awaited>()

  add(event: PermitAwaited, now: number): void {
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
  groups(now: number): ReadonlyArray<PermitWait> {
    const groups = new Map<string, Group>()
    for (const one of this.awaited.values()) {
      const key = `${one.event.obstacle} ${one.event.origin}`
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

const waitOf = ({ first, latest, transfers }: Group, now: number): PermitWait => {
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
