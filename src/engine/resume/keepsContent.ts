/**
 * Whether a failure leaves the received bytes valid.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Option from "effect/Option"
import type { DownloadError } from "../../DownloadError.js"
import { mayPass } from "../../RetryPolicy.js"

/** False if the content is wrong or no longer there, or if the disk failed. Then a later run starts over. */
export const keepsContent = (error: DownloadError): boolean => {
  switch (error._tag) {
    case "Timeout":
    case "Connection":
    case "Truncated":
    case "AddressRefused":
      return true
    case "HttpStatus":
      return error.status !== 404 && error.status !== 410
    case "Protocol":
      return error.reason !== "range" && error.reason !== "inconsistent"
    case "Mismatch":
      // A log-in page has another type. The received bytes are of the required type.
      return error.reason === "type"
    case "TooLarge":
    case "InvalidRequest":
      return false
    case "Disk":
      return mayPass(error)
  }
}

/** Whether a later run may continue the part of a transfer that ended with this cause. */
export const mayContinue = (cause: Cause.Cause<DownloadError>): boolean =>
  Option.match(Cause.failureOption(cause), { onNone: () => Cause.isInterruptedOnly(cause), onSome: keepsContent })
