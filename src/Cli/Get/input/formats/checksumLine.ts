/**
 * Reads lines of checksum files, as `sha256sum`, `md5sum`, `shasum`, `cksum`, `openssl dgst` and BSD's `sha256` write them.
 */
import * as Digest from "../../../../internal/digest.js"

export interface Checksum {
  /** The path of the file, as the checksum file has it. */
  readonly path: string
  /** As `DownloadRequest.digest` takes it. */
  readonly digest: string
}

/** Returns undefined if the line is not a checksum. */
export const parse = (line: string): Checksum | undefined => {
  // A backslash at the start says that the name has escapes (GNU coreutils, "md5sum invocation").
  const isEscaped = line.startsWith("\\")
  const text = isEscaped ? line.slice(1) : line
  const found = ofGnu(text) ?? ofBsd(text)
  return found === undefined || found.path === "" || !isEscaped ? found : { ...found, path: unescape(found.path) }
}

/** `HEX  name`, or `HEX *name` for a file that was read as binary. */
const ofGnu = (text: string): Checksum | undefined => {
  const at = text.search(/[ \t]/)
  const hex = text.slice(0, Math.max(0, at))
  const algorithm = Digest.algorithmOfLength(hex.length)
  if (algorithm === undefined || !/^[0-9A-Fa-f]+$/.test(hex)) {
    return undefined
  }
  const isExact = /^ [ *]/.test(text.slice(at, at + 2))
  const path = isExact ? text.slice(at + 2) : text.slice(at).trim()
  return path === "" ? undefined : { path, digest: `${algorithm}:${hex}` }
}

/** `SHA256 (name) = HEX`, or `SHA256(name)= HEX`. */
const ofBsd = (text: string): Checksum | undefined => {
  const open = text.indexOf("(")
  const close = text.lastIndexOf(")")
  if (open < 0 || close < open) {
    return undefined
  }
  const algorithm = Digest.algorithmOf(text.slice(0, open).trim())
  const end = text.slice(close + 1).trim()
  const digest = `${algorithm}:${end.slice(1).trim()}`
  const path = text.slice(open + 1, close)
  return algorithm === undefined || !end.startsWith("=") || path === "" || Digest.parse(digest) === undefined
    ? undefined
    : { path, digest }
}

const unescape = (name: string): string =>
  name.replace(/\\([\\nr])/g, (_, escaped: string) => (escaped === "n" ? "\n" : escaped === "r" ? "\r" : "\\"))
