/**
 * How long a request to a server took, and in which phases: the event `Exchanged`.
 *
 * @internal
 */
import type { DownloadError } from "../DownloadError.js"
import { Exchanged } from "../DownloadEvent.js"
import { shownRequestHeaders } from "../internal/http/shownHeaders.js"
import * as Unvalidated from "../internal/unvalidated.js"
import type { ConnectionInfo, ResponseHead, TransportRequest } from "../Transport.js"
import type { FileTransfer } from "./fileTransfer.js"
import { targetOf } from "./redirect.js"

/** When a request has reached its phases, in milliseconds of `FileTransfer.now`. */
export class ExchangeTimes {
  head: ResponseHead | undefined
  bytes = 0
  private sentAt: number
  private headAt: number | undefined
  private heldFrom: number | undefined
  private heldMillis = 0

  constructor(
    private readonly transfer: FileTransfer,
    private readonly request: TransportRequest,
    private readonly offsetBytes: number,
    /** When the transfer began to wait for the permit. */
    private readonly beganAt: number
  ) {
    this.sentAt = transfer.now()
  }

  onHeld(isHeld: boolean, now: number): void {
    if (this.heldFrom !== undefined) {
      this.heldMillis += now - this.heldFrom
    }
    this.heldFrom = isHeld ? now : undefined
  }

  onHead(head: ResponseHead, now: number): void {
    this.head = head
    this.headAt = now
  }

  /** The event of the request, which ends now. */
  ended(connection: ConnectionInfo | undefined, error: DownloadError | undefined): Exchanged {
    const { beganAt, head, transfer } = this
    const { atMillis, attempts, options, request } = transfer
    const now = transfer.now()
    const fields: Fields = {
      request,
      atMillis,
      url: this.request.url,
      method: this.request.method ?? "GET",
      attempt: attempts,
      offsetBytes: this.offsetBytes,
      bytes: this.bytes,
      beganAtMillis: atMillis - Math.round(now - beganAt),
      permitMillis: 0
    }
    if (head !== undefined) {
      fields.status = head.status
      const target = targetOf(head, this.request.url)
      if (target !== undefined) {
        fields.redirectUrl = target.href
      }
    }
    if (error !== undefined) {
      fields.error = error
    }
    if (connection !== undefined) {
      const { id, isReused, remoteAddress } = connection
      fields.connection = remoteAddress === undefined ? { id, isReused } : { id, isReused, remoteAddress }
    }
    if (options.responses) {
      fields.requestHeaders = shownRequestHeaders(this.request.headers)
      fields.responseHeaders = head === undefined ? {} : transfer.shownHeaders(head.headers)
    }
    this.addPhases(fields, now, connection, error)
    return Unvalidated.make(Exchanged, fields)
  }

  /** Each boundary between two phases is rounded, so that the durations add up. */
  private addPhases(
    fields: Fields,
    now: number,
    connection: ConnectionInfo | undefined,
    error: DownloadError | undefined
  ): void {
    const { beganAt, headAt } = this
    this.onHeld(false, now)
    const headEnd = Math.round((headAt ?? now) - beganAt)
    let at = this.sentAt - beganAt + this.heldMillis
    let before = Math.min(Math.round(at), headEnd)
    fields.permitMillis = before
    for (const phase of madePhases) {
      const millis = connection?.[phase]
      if (millis !== undefined) {
        at += millis
        const end = Math.min(Math.round(at), headEnd)
        fields[phase] = end - before
        before = end
      }
    }
    fields[connection === undefined && headAt === undefined ? phaseOf(error) : "firstByteMillis"] = headEnd - before
    if (headAt !== undefined) {
      fields.bodyMillis = Math.round(now - beganAt) - headEnd
    }
  }
}

type Fields = {
  -readonly [Name in keyof ConstructorParameters<typeof Exchanged>[0]]: ConstructorParameters<typeof Exchanged>[0][Name]
}

const madePhases = ["lookupMillis", "connectMillis", "tlsMillis"] as const

/** The phase in which a request without a connection has failed. */
const phaseOf = (
  error: DownloadError | undefined
): "lookupMillis" | "connectMillis" | "tlsMillis" | "firstByteMillis" => {
  if (error?._tag === "Timeout") {
    return error.phase === "connect" ? "connectMillis" : "firstByteMillis"
  }
  if (error?._tag !== "Connection") {
    return "firstByteMillis"
  }
  switch (error.reason) {
    case "unknown-host":
    case "dns":
      return "lookupMillis"
    case "tls":
      return "tlsMillis"
    case "reset":
    case "other":
      return "firstByteMillis"
    default:
      return "connectMillis"
  }
}
