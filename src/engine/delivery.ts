/**
 * Content whose bytes are delivered to a reader as they arrive, and cannot be taken back.
 *
 * A transfer continues after a failure if the rest is of the same version. It may also start over, if the response proves that it
 * is of the version that was delivered: the bytes that the reader has are dropped.
 *
 * @internal
 */
import type { DownloadError } from "../DownloadError.js"
import * as Validator from "../internal/http/validator.js"
import type { Sink } from "../Store/sequential.js"
import type { ResponseHead } from "../Transport.js"
import type { PartialFile } from "./partialFile.js"
import type { Hop } from "./redirect.js"

export class Delivery {
  constructor(
    private readonly sink: Sink,
    private readonly partial: PartialFile
  ) {}

  get bytes(): number {
    return this.sink.takenBytes
  }

  /** Whether a response with the whole content may be received: nothing was delivered yet, or it is of the same version. */
  mayStartOver({ headers, status }: ResponseHead, hop: Hop): boolean {
    const { partial } = this
    const { coding, validator } = partial.earlier ?? {}
    return (
      this.bytes === 0 ||
      (validator !== undefined &&
        // A proxy has changed the content of a 203 (RFC 9110 §15.3.4).
        status === 200 &&
        Validator.strong(headers) === validator &&
        Validator.contentCodings(headers) === coding &&
        (Validator.isEntityTag(validator) || partial.source?.href === hop.href))
    )
  }

  /** Whether another attempt may bring the rest after this failure. */
  mayContinue(error: DownloadError, firstHop: Hop): boolean {
    const { partial } = this
    if (this.bytes === 0) {
      return true
    }
    // The delivered bytes are wrong.
    const isWrong = error._tag === "Mismatch" ? error.reason !== "type" : isInconsistent(error)
    return !isWrong && (partial.earlier?.validator !== undefined || partial.resumeAt(firstHop).offsetBytes > 0)
  }
}

const isInconsistent = (error: DownloadError): boolean => error._tag === "Protocol" && error.reason === "inconsistent"
