/**
 * What failures of one kind have in common, to count them.
 *
 * @internal
 */
import type { DownloadError } from "../DownloadError.js"

/** The message without what differs from file to file. */
export const reasonOf = (error: DownloadError): string => {
  switch (error._tag) {
    case "HttpStatus":
    case "Timeout":
      return error.message
    case "Connection":
      return error.message.replace(/ \(.*$/s, "")
    case "Disk":
      return error.explanation
    case "InvalidRequest":
      return "the request is not valid"
    case "Truncated":
      return "the body broke off"
    case "Mismatch":
      return "the content is not the expected one"
    case "TooLarge":
      return "the file is larger than the limit"
    case "AddressRefused":
      return "the address is not allowed"
    case "Protocol":
      return "the response was not understood"
  }
}
