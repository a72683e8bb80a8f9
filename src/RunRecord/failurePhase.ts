/**
 * The part of the work in which failures happen.
 *
 * @internal
 */
import type { DownloadError } from "../DownloadError.js"
import type { Exchanged } from "../DownloadEvent.js"

/** The names of phases for people. */
export const names = {
  permit: "permit",
  lookup: "name look-up",
  connect: "connect",
  tls: "TLS",
  wait: "first byte",
  receive: "body"
} as const

type RequestPhase = keyof typeof names

/** The phase that a request to a server had reached. */
const reached = (exchange: Exchanged): RequestPhase =>
  exchange.receiveMillis !== undefined
    ? "receive"
    : exchange.waitMillis !== undefined
      ? "wait"
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
      return names.receive
    case "Disk":
      return "disk"
    case "InvalidRequest":
      return "before the request"
    case "AddressRefused":
      return names.connect
    case "Truncated":
      return names.receive
    case "Timeout":
      switch (error.phase) {
        case "connect":
          return names.connect
        case "headers":
          return names.wait
        case "stall":
          return names.receive
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
