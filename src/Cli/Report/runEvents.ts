/**
 * Turns the lines of a run back into its events.
 */
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import * as Download from "../../Download.js"
import { DownloadError } from "../../DownloadError.js"
import { Advanced, Blocked, type DownloadEvent, Exchanged, Finished, Retrying, Started } from "../../DownloadEvent.js"
import type { EventLine } from "../../EventLine.js"
import { defined, make } from "../../internal/unvalidated.js"

const decodeError = Schema.decodeUnknownEither(DownloadError)

type Line<Event extends EventLine["event"]> = Extract<EventLine, { readonly event: Event }>

export class RunEvents {
  /** The requests of the transfers that have begun, by their position in the input. */
  private requests = new Map<number, Download.DownloadRequest>()

  /** The event of a line. Undefined if the line is not about a transfer, or if the begin of its transfer is not known. */
  of(line: EventLine): DownloadEvent | undefined {
    switch (line.event) {
      case "Run":
        // Another run, in a file with several.
        this.requests = new Map()
        return undefined
      case "Started": {
        const request = requestOf(line)
        this.requests.set(line.index, request)
        return make(Started, { request, atMillis: line.atMillis })
      }
      case "Advanced":
        return this.advanced(line)
      case "Exchanged":
        return this.exchanged(line)
      case "Retrying":
        return this.retrying(line)
      case "Blocked":
        return this.blocked(line)
      case "Finished":
        return this.finished(line)
      default:
        return undefined
    }
  }

  private advanced({ atMillis, bytes, connections, index, totalBytes }: Line<"Advanced">): DownloadEvent | undefined {
    const request = this.requests.get(index)
    return request && make(Advanced, { request, atMillis, bytes, totalBytes, connections })
  }

  private exchanged({ connection, error, event: _, index, ...line }: Line<"Exchanged">): DownloadEvent | undefined {
    const request = this.requests.get(index)
    const read = { error: error && errorOf(error), connection: connection && defined(connection) }
    return request && make(Exchanged, { ...defined({ ...line, ...read }), request })
  }

  private retrying({ atMillis, attempt, delayMillis, error, index }: Line<"Retrying">): DownloadEvent | undefined {
    const request = this.requests.get(index)
    const read = errorOf(error)
    return request && read && make(Retrying, { request, atMillis, attempt, delayMillis, error: read })
  }

  private blocked({ event: _, index, ...line }: Line<"Blocked">): DownloadEvent | undefined {
    const request = this.requests.get(index)
    return request && make(Blocked, { ...defined(line), request })
  }

  private finished(line: Line<"Finished">): DownloadEvent | undefined {
    const request = this.requests.get(line.index) ?? requestOf(line)
    this.requests.delete(line.index)
    const outcome = outcomeOf(line, request)
    return outcome && make(Finished, { atMillis: line.atMillis, outcome })
  }
}

const requestOf = ({ file, index, url }: Line<"Started"> | Line<"Finished">): Download.DownloadRequest =>
  Download.request({ id: `${index}`, url, destination: file })

const errorOf = (error: unknown): DownloadError | undefined => Either.getOrUndefined(decodeError(error))

const outcomeOf = (line: Line<"Finished">, request: Download.DownloadRequest): Download.DownloadOutcome | undefined => {
  switch (line.outcome) {
    case "Saved": {
      const { attempts, bytes, file, finalUrl, status, url, verified } = line
      return make(Download.Saved, {
        request,
        destination: file,
        bytes,
        verified,
        attempts,
        status,
        url: finalUrl ?? url
      })
    }
    case "Skipped":
      return make(Download.Skipped, { request, reason: line.reason })
    case "NotModified":
      return make(Download.NotModified, { request, file: { bytes: 0 } })
    case "Failed": {
      const error = errorOf(line.error)
      return (
        error &&
        make(Download.Failed, defined({ request, error, keptBytes: line.keptBytes, discarded: line.discarded }))
      )
    }
    case "Cancelled": {
      const { attempts, discarded, keptBytes } = line
      return make(Download.Cancelled, defined({ request, attempts, keptBytes, discarded }))
    }
  }
}
