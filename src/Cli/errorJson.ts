/**
 * An error as `--json` prints it: its fields and its message.
 */
import type { DownloadError } from "../DownloadError.js"
import { displayPath } from "../internal/text/displayUrl.js"

export const errorJson = (error: DownloadError): object => {
  // The encoded error has no directories. The output of a command stays on this machine, so it has the whole path.
  const path = error._tag === "Disk" ? { path: displayPath(error.path) } : {}
  return Object.assign({}, error.toJSON(), path, { message: error.message })
}
