/**
 * Failures of requests to an object storage, and their translation into `Disk`.
 *
 * A failure has the status and the error code of the response, and no other text of it: the storage repeats the access key and what
 * was signed.
 *
 * @internal
 */
import * as Data from "effect/Data"
import { Disk } from "../../DownloadError.js"
import * as Printable from "../../internal/text/printable.js"

export class S3Failure extends Data.TaggedError("S3Failure")<{
  /** Undefined if there was no response. */
  readonly status: number | undefined
  /** The code in the error document, or "". */
  readonly code: string
  /** What has failed, or "": then the status and the code say it. */
  readonly detail: string
}> {
  /** True if the same request may succeed later. */
  get mayPass(): boolean {
    const { code, status } = this
    return status === undefined || passingStatuses.has(status) || passing.has(code)
  }

  /** True if there is no such object. */
  get isMissing(): boolean {
    return this.status === 404 && this.code !== "NoSuchBucket"
  }
}

const passingStatuses: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504])

// Codes of failures that may pass, whose status does not say so. `BadDigest` and `XAmzContentSHA256Mismatch` say that other bytes
// have arrived than were sent.
const passing: ReadonlySet<string> = new Set([
  "BadDigest",
  "ConditionalRequestConflict",
  "IncompleteBody",
  "OperationAborted",
  "RequestTimeout",
  "SlowDown",
  "XAmzContentSHA256Mismatch"
])

const explained: Readonly<Record<string, readonly [Disk["reason"], string]>> = {
  AccessDenied: ["permission", "the credentials do not allow this"],
  AccountProblem: ["permission", "there is a problem with the account"],
  AuthorizationHeaderMalformed: ["other", "the bucket is in another region"],
  EntityTooLarge: ["full", "the object is larger than the storage allows"],
  ExpiredToken: ["permission", "the session token has expired"],
  InvalidAccessKeyId: ["permission", "the storage does not know the access key"],
  InvalidToken: ["permission", "the session token is invalid"],
  KeyTooLongError: ["other", "the key is too long"],
  NoSuchBucket: ["missing", "there is no such bucket"],
  PermanentRedirect: ["other", "the bucket is at another endpoint or in another region"],
  QuotaExceeded: ["full", "the quota of the storage is used up"],
  RequestTimeTooSkewed: ["permission", "the clock of this machine differs from that of the storage"],
  SignatureDoesNotMatch: ["permission", "the secret access key is wrong"]
}

/** Makes the error for a destination. */
export const toDisk = (destination: string, failure: S3Failure): Disk => {
  const { code, detail, mayPass, status } = failure
  const path = Printable.line(destination)
  const known = explained[code]
  if (known !== undefined) {
    return new Disk({ path, reason: known[0], detail: `${known[1]} (${code})` })
  }
  const answered = detail === "" ? `the storage answered ${status}${code === "" ? "" : ` ${code}`}` : detail
  const reason = mayPass
    ? "unavailable"
    : status === 401 || status === 403
      ? "permission"
      : status === 507
        ? "full"
        : "other"
  return new Disk({ path, reason, detail: answered })
}
