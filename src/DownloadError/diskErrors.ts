/**
 * Translates the errors of a `FileSystem` and of the operating system into `Disk`, by the operating system's code if there is one.
 */
import type { PlatformError } from "@effect/platform/Error"
import * as Predicate from "effect/Predicate"
import { Disk } from "../DownloadError.js"
import * as Printable from "../internal/text/printable.js"

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

// Details that are missing in the text of the reason, or more exact than it.
const explanations: Readonly<Record<string, string>> = {
  EDQUOT: "the disk quota is exceeded",
  EFBIG: "the file is larger than the file system or a limit of the process allows",
  EPERM: "the operation is not permitted",
  EROFS: "the file system is read-only",
  ENFILE: "too many files are open in the whole system",
  EISDIR: "it is a directory",
  ENAMETOOLONG: "the name is too long",
  ELOOP: "too many symbolic links",
  EIO: "the device reports an input/output error",
  EBUSY: "it is in use",
  EPIPE: "its reader has left",
  ETXTBSY: "it is a program that runs",
  EXDEV: "it is on another file system",
  EMLINK: "the file has too many links",
  EILSEQ: "the file system does not accept this name",
  ENODEV: "there is no such device",
  ENXIO: "there is no such device",
  ENOMEDIUM: "there is no medium in the device",
  ENOMEM: "the system is out of memory",
  ENOTEMPTY: "it is a directory that is not empty",
  EREMOTEIO: "the device reports an input/output error",
  ESTALE: "the file handle is stale: another program or the file server has removed the file",
  ENOLINK: "the link to the file server is gone",
  EHOSTDOWN: "the file server cannot be reached",
  ETIMEDOUT: "the file server does not answer",
  EUCLEAN: "the file system is damaged",
  ENOKEY: "the encryption key of the directory is not there",
  EKEYEXPIRED: "the credentials for the file system have expired",
  WriteZero: "the device takes no bytes"
}

// Codes without a name in Node, which reports them as `Unknown system error -122`. The numbers are Linux's (errno-base.h,
// errno.h). A number that is not a file error on Linux has its meaning on macOS.
const unnamed: Readonly<Record<string, string>> = {
  "67": "ENOLINK",
  "69": "EDQUOT",
  "70": "ESTALE",
  "116": "ESTALE",
  "117": "EUCLEAN",
  "122": "EDQUOT",
  "123": "ENOMEDIUM",
  "126": "ENOKEY",
  "127": "EKEYEXPIRED"
}

// The codes that say that the file system or the platform has no such operation.
const unsupported: ReadonlySet<string> = new Set(["ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EINVAL", "EPERM", "EISDIR"])

export const isUnsupported = (code: string): boolean => unsupported.has(code)

/** Returns the code of the operating system for an error, and "" if it has none. */
export const codeOf = (cause: unknown): string => {
  if (isPlatformError(cause)) {
    return ("cause" in cause && codeOf(cause.cause)) || (codes[cause._tag === "SystemError" ? cause.reason : ""] ?? "")
  }
  const code = typeof cause === "object" && cause !== null && "code" in cause ? cause.code : undefined
  if (typeof code !== "string") {
    return ""
  }
  const prefix = "Unknown system error -"
  return code.startsWith(prefix) ? (unnamed[code.slice(prefix.length)] ?? code) : code
}

// The codes for the reasons of a `FileSystem` whose errors have no code. Only `WriteZero` is not a code of an operating system.
const codes: Readonly<Record<string, string>> = {
  AlreadyExists: "EEXIST",
  NotFound: "ENOENT",
  PermissionDenied: "EACCES",
  WriteZero: "WriteZero"
}

const isPlatformError = (cause: unknown): cause is PlatformError =>
  Predicate.isTagged(cause, "SystemError") || Predicate.isTagged(cause, "BadArgument")

/** Makes a `Disk` from the error of the operating system or of a `FileSystem`. */
export const fromCause = (path: string, cause: unknown): Disk => {
  const code = codeOf(cause)
  const reason = reasons[code]
  return new Disk({
    path: Printable.line(path),
    reason: reason ?? "other",
    detail: explanations[code] ?? (reason === undefined ? textOf(cause) : "")
  })
}

/** Makes the error for a device, a pipe or a socket at the destination, which a file does not replace. */
export const specialFile = (path: string): Disk =>
  new Disk({ path: Printable.line(path), reason: "other", detail: "it is a device, a pipe or a socket" })

const textOf = (cause: unknown): string =>
  Printable.line(cause instanceof Error ? cause.message : String(cause)).slice(0, maxDetailLength)

const maxDetailLength = 500
