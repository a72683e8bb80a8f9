/**
 * The received bytes that a run had to discard, for its summary.
 */
import type * as Download from "../../Download.js"
import { displaySize } from "../../internal/text/displaySize.js"
import * as Printable from "../../internal/text/printable.js"

type Reason = Download.Discarded["reason"]

export class DiscardedBytes {
  private readonly sums = new Map<Reason, { readonly file: string; bytes: number; files: number }>()

  add({ request, ...outcome }: Download.DownloadOutcome): void {
    if ("discarded" in outcome && outcome.discarded !== undefined) {
      const { bytes, reason } = outcome.discarded
      const sum = this.sums.get(reason) ?? { file: request.destination, bytes: 0, files: 0 }
      sum.bytes += bytes
      sum.files++
      this.sums.set(reason, sum)
    }
  }

  /** A sentence for each reason. */
  lines(): ReadonlyArray<string> {
    return Array.from(this.sums, ([reason, { bytes, file, files }]) => {
      const [of, server] =
        files === 1 ? [Printable.line(file), "the server"] : [`${files} unfinished files`, "the servers"]
      return `${displaySize(bytes)} of ${of} were discarded, because ${server} ${files === 1 ? one[reason] : many[reason]}`
    })
  }
}

const one: { readonly [reason in Reason]: string } = {
  "no-validator": "sends no ETag or Last-Modified that proves of which version they are",
  "no-ranges": "does not send parts of files"
}

const many: { readonly [reason in Reason]: string } = {
  "no-validator": "send no ETag or Last-Modified that proves of which version they are",
  "no-ranges": "do not send parts of files"
}
