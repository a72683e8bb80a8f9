/**
 * Follows a batch until it has ended.
 */
import * as Effect from "effect/Effect"
import type * as Batches from "../../cluster/Batches.js"
import type { BatchStatus } from "../../cluster/models.js"

export const hasEnded = ({ state }: BatchStatus): boolean => state === "ended" || state === "cancelled"

/** Reads the status at an interval until the batch has ended, and returns the last one. */
export const follow = (
  batches: typeof Batches.Batches.Service,
  id: string,
  onStatus: (status: BatchStatus) => void
): ReturnType<(typeof Batches.Batches.Service)["status"]> =>
  Effect.tap(batches.status(id), (status) => Effect.sync(() => onStatus(status))).pipe(
    Effect.flatMap((status) =>
      hasEnded(status) ? Effect.succeed(status) : Effect.delay(follow(batches, id, onStatus), interval)
    )
  )

const interval = "500 millis"
