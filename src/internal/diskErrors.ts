/**
 * Translates what a `FileSystem` fails with into `Disk`, by the operating system's code where there is one.
 *
 * @internal
 */
import type { PlatformError } from "@effect/platform/Error"
import { Disk } from "../DownloadError.js"
import * as Printable from "./printable.js"

const reasons: Readonly<Record<string, Disk["reason"]>> = {
  ENOSPC: "full",
  EDQUOT: "full",
  EFBIG: "full",
  EACCES: "permission",
  EPERM: "permission",
  EROFS: "permission",
  ENOENT: "missing",
  EEXIST: "exists",
  ENOTDIR: "not-a-directory",
  EMFILE: "too-many-open",
  ENFILE: "too-many-open"
}

const explanations: Readonly<Record<string, string>> = {
  EISDIR: "it is a directory",
  ENAMETOOLONG: "the name is too long",
  ELOOP: "too many symbolic links",
  EIO: "the device reports an input/output error",
  EBUSY: "it is in use"
}

// With which file systems and platforms say that they have no such operation, not that it failed.
const unsupported: ReadonlySet<string> = new Set(["ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EINVAL", "EPERM", "EISDIR"])

export const isUnsupported = (code: string): boolean => unsupported.has(code)

export const errnoOf = (error: PlatformError): string => ("cause" in error ? codeOf(error.cause) : "")

/** The operating system's code in whatever a call failed with, or nothing. */
export const codeOf = (cause: unknown): string =>
  typeof cause === "object" && cause !== null && "code" in cause && typeof cause.code === "string" ? cause.code : ""

/** For what a call of the operating system failed with. */
export const fromCause = (path: string, cause: unknown): Disk => {
  const code = codeOf(cause)
  const message = cause instanceof Error ? cause.message : String(cause)
  return new Disk({
    path: Printable.line(path),
    reason: reasons[code] ?? "other",
    detail: explanations[code] ?? Printable.line(message)
  })
}

export const fromPlatformError =
  (path: string) =>
  (error: PlatformError): Disk => {
    const code = errnoOf(error)
    const reason = reasons[code] ?? fromReason(error)
    const detail = explanations[code] ?? Printable.line(error.message)
    return new Disk({ path: Printable.line(path), reason, detail })
  }

const fromReason = (error: PlatformError): Disk["reason"] => {
  if (error._tag === "BadArgument") {
    return "other"
  }
  switch (error.reason) {
    case "AlreadyExists":
      return "exists"
    case "NotFound":
      return "missing"
    case "PermissionDenied":
      return "permission"
    default:
      return "other"
  }
}
