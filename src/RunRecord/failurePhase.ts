/**
 * The part of the work in which failures happen.
 *
 * @internal
 */
import type { DownloadError } from "../DownloadError.js"
import type { Exchanged } from "../DownloadEvent.js"
import type { Phase } from "./data.js"
import { phaseNames as names } from "./phaseNames.js"

type RequestPhase = Exclude<Phase, "delay" | "finish">

/** The phase that a request to a server had reached. */
const reached = (exchange: Exchanged): RequestPhase =>
  exchange.bodyMillis !== undefined
    ? "body"
    : exchange.firstByteMillis !== undefined
      ? "firstByte"
      : exchange.tlsMillis !== undefined
        ? "tls"
        : exchange.connectMillis !== undefined
          ? "connect"
          : exchange.lookupMillis !== undefined
            ? "lookup"
            : "permit"

/** The phase in which a transfer failed, for people. `last` is its last request to a server. */
export const phaseOf = (error: DownloadError, last: Exchanged | undefined): string => {
  switch (error._tag) {
    case "HttpStatus":
    case "Protocol":
      return "response"
    case "Mismatch":
      return "check of the content"
    case "TooLarge":
      return names.body
    case "Disk":
      return "disk"
    case "InvalidRequest":
      return "before the request"
    case "AddressRefused":
      return names.connect
    case "Truncated":
      return names.body
    case "Timeout":
      switch (error.phase) {
        case "connect":
          return names.connect
        case "headers":
          return names.firstByte
        case "stall":
          return names.body
        default:
          return last === undefined ? names.permit : names[reached(last)]
      }
    case "Connection":
      switch (error.reason) {
        case "unknown-host":
        case "dns":
          return names.lookup
        case "tls":
          return names.tls
        case "reset":
        case "other":
          return last === undefined ? names.connect : names[reached(last)]
        default:
          return names.connect
      }
  }
}
