/**
 * What the failed and cancelled transfers of a run have left: parts that are kept, and bytes that were discarded.
 *
 * @internal
 */
import type { Mutable } from "effect/Types"
import type * as Download from "../Download.js"
import type { LeftoverSums } from "./data.js"

export class Leftovers {
  private readonly kept = { files: 0, bytes: 0 }
  private readonly discarded = new Map<string, Mutable<LeftoverSums["discarded"][number]>>()

  add(outcome: Download.DownloadOutcome): void {
    if (outcome._tag !== "Failed" && outcome._tag !== "Cancelled") {
      return
    }
    const { discarded, keptBytes, request } = outcome
    if (keptBytes !== undefined) {
      this.kept.files++
      this.kept.bytes += keptBytes
    }
    if (discarded !== undefined) {
      const { bytes, reason } = discarded
      const sum = this.discarded.get(reason) ?? { reason, file: request.destination, files: 0, bytes: 0 }
      sum.files++
      sum.bytes += bytes
      this.discarded.set(reason, sum)
    }
  }

  data(): LeftoverSums {
    return { kept: { ...this.kept }, discarded: Array.from(this.discarded.values(), (sum) => ({ ...sum })) }
  }
}
