/**
 * How long a request to a server took, and in which phases: the event `Exchanged`.
 *
 * @internal
 */
import type { DownloadError } from "../DownloadError.js"
import { Exchanged } from "../DownloadEvent.js"
import { shownHeaders, shownRequestHeaders } from "../internal/http/shownHeaders.js"
import { displayUrl } from "../internal/text/displayUrl.js"
import * as Unvalidated from "../internal/unvalidated.js"
import type { ConnectionInfo, ResponseHead, TransportRequest } from "../Transport.js"
import type { FileTransfer } from "./fileTransfer.js"

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
    const { bytes, head, offsetBytes, request: sent, transfer } = this
    const { atMillis, attempts, options, request } = transfer
    const { beganAt, phases } = this.phases(transfer.now(), connection, error)
    const { id, isReused, remoteAddress } = connection ?? {}
    return Unvalidated.make(Exchanged, {
      request,
      atMillis,
      url: displayUrl(sent.url),
      method: sent.method ?? "GET",
      attempt: attempts,
      offsetBytes,
      bytes,
      beganAtMillis: atMillis - beganAt,
      ...phases,
      ...(head === undefined ? {} : { status: head.status }),
      ...(error === undefined ? {} : { error }),
      ...(id === undefined || isReused === undefined
        ? {}
        : { connection: remoteAddress === undefined ? { id, isReused } : { id, isReused, remoteAddress } }),
      ...(options.responses
        ? { requestHeaders: shownRequestHeaders(sent.headers), responseHeaders: shownHeaders(head?.headers ?? {}) }
        : {})
    })
  }

  /** The phases until now. `beganAt` is their sum. */
  private phases(now: number, connection: ConnectionInfo | undefined, error: DownloadError | undefined) {
    const { beganAt, headAt, sentAt } = this
    this.onHeld(false, now)
    const endAt = now - beganAt
    const headEnd = Math.min(headAt ?? now, now) - beganAt
    // Each boundary is rounded, so the durations add up.
    let before = 0
    const until = (millis: number): number => {
      const at = Math.max(before, Math.round(millis))
      const lasted = at - before
      before = at
      return lasted
    }
    let made = sentAt - beganAt + this.heldMillis
    const next = (millis: number): number => {
      made += millis
      return until(Math.min(made, headEnd))
    }
    const phases: Phases = { blockedMillis: until(Math.min(made, headEnd)) }
    if (connection?.lookupMillis !== undefined) {
      phases.lookupMillis = next(connection.lookupMillis)
    }
    if (connection?.connectMillis !== undefined) {
      phases.connectMillis = next(connection.connectMillis)
    }
    if (connection?.tlsMillis !== undefined) {
      phases.tlsMillis = next(connection.tlsMillis)
    }
    const failedIn = connection === undefined && headAt === undefined ? phaseOf(error) : "waitMillis"
    phases[failedIn] = until(headEnd)
    if (headAt !== undefined) {
      phases.receiveMillis = until(endAt)
    }
    return { phases, beganAt: before }
  }
}

interface Phases {
  blockedMillis: number
  lookupMillis?: number
  connectMillis?: number
  tlsMillis?: number
  waitMillis?: number
  receiveMillis?: number
}

/** The phase in which a request without a connection has failed. */
const phaseOf = (error: DownloadError | undefined): "lookupMillis" | "connectMillis" | "tlsMillis" | "waitMillis" => {
  if (error?._tag === "Timeout") {
    return error.phase === "connect" ? "connectMillis" : "waitMillis"
  }
  if (error?._tag !== "Connection") {
    return "waitMillis"
  }
  switch (error.reason) {
    case "unknown-host":
    case "dns":
      return "lookupMillis"
    case "tls":
      return "tlsMillis"
    case "reset":
    case "other":
      return "waitMillis"
    default:
      return "connectMillis"
  }
}
