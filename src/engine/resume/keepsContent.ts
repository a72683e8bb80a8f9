/**
 * Whether a failure leaves the received bytes valid.
 *
 * @internal
 */
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
