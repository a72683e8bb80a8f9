/**
 * An error as `--json` prints it: its fields and its message.
 */
import * as Schema from "effect/Schema"
import { DownloadError } from "../DownloadError.js"
import { displayPath } from "../internal/text/displayUrl.js"

// Made on first use, because it takes longer than the rest of the start.
let encode: ((error: DownloadError) => object) | undefined

export const errorJson = (error: DownloadError): object => {
  encode ??= Schema.encodeSync(DownloadError)
  // The encoded error has no directories. The output of a command stays on this machine, so it has the whole path.
  const path = error._tag === "Disk" ? { path: displayPath(error.path) } : {}
  return { ...encode(error), ...path, message: error.message }
}
