/**
 * The transfers of a run that took longest, for the report of `--verbose`.
 */
import type { DownloadRequest } from "../../../Download.js"
import type { DownloadEvent } from "../../../DownloadEvent.js"
import { displaySize } from "../../../internal/text/displaySize.js"
import { displayTime } from "../../../internal/text/displayTime.js"
import { lastSegment } from "../../../internal/text/fileNames.js"
import * as Printable from "../../../internal/text/printable.js"

const listedAtMost = 5

interface Ended {
  readonly text: string
  readonly millis: number
}

export class Slowest {
  private readonly startedAt = new Map<DownloadRequest, number>()
  private slowest: ReadonlyArray<Ended> = []
  private count = 0

  receive(event: DownloadEvent): void {
    if (event._tag === "Started") {
      this.startedAt.set(event.request, event.atMillis)
    } else if (event._tag === "Finished") {
      const { outcome } = event
      const startedAt = this.startedAt.get(outcome.request)
      if (startedAt !== undefined && (outcome._tag === "Saved" || outcome._tag === "Failed")) {
        const millis = event.atMillis - startedAt
        const result =
          outcome._tag === "Failed" ? "failed" : `${displaySize((outcome.bytes * 1000) / Math.max(1, millis))}/s`
        const name = lastSegment(outcome._tag === "Saved" ? outcome.destination : outcome.request.destination)
        this.count++
        this.add({ millis, text: `${Printable.line(name)}  ${durationOf(millis)}  ${result}` })
      }
      this.startedAt.delete(outcome.request)
    }
  }

  /** A heading and the transfers, the slowest first. None if there was one transfer only. */
  lines(): ReadonlyArray<string> {
    return this.count < 2 ? [] : ["slowest:", ...this.slowest.map(({ text }) => `  ${text}`)]
  }

  private add(ended: Ended): void {
    const last = this.slowest.at(-1)
    if (this.slowest.length < listedAtMost || last === undefined || ended.millis > last.millis) {
      this.slowest = [...this.slowest, ended].sort((one, other) => other.millis - one.millis).slice(0, listedAtMost)
    }
  }
}

const durationOf = (millis: number): string =>
  millis < 1000 ? `${Math.round(millis)} ms` : millis < 10_000 ? `${(millis / 1000).toFixed(1)} s` : displayTime(millis)
