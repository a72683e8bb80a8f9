/**
 * What the unfinished transfers of a run have left: parts that are kept, and bytes that were discarded.
 *
 * @internal
 */
import type * as Download from "../Download.js"
import type { UnfinishedSums } from "./data.js"

type Mutable<A> = { -readonly [key in keyof A]: A[key] }

export class Unfinished {
  private readonly kept = { files: 0, bytes: 0 }
  private readonly discarded = new Map<string, Mutable<UnfinishedSums["discarded"][number]>>()

  add({ request, ...outcome }: Download.DownloadOutcome): void {
    if ("keptBytes" in outcome && outcome.keptBytes !== undefined) {
      this.kept.files++
      this.kept.bytes += outcome.keptBytes
    }
    if ("discarded" in outcome && outcome.discarded !== undefined) {
      const { bytes, reason } = outcome.discarded
      const sum = this.discarded.get(reason) ?? { reason, file: request.destination, files: 0, bytes: 0 }
      sum.files++
      sum.bytes += bytes
      this.discarded.set(reason, sum)
    }
  }

  data(): UnfinishedSums {
    return { kept: { ...this.kept }, discarded: Array.from(this.discarded.values(), (sum) => ({ ...sum })) }
  }
}
