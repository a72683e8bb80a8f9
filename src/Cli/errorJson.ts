/**
 * An error as `--json` prints it: its fields and its sentence.
 *
 * @internal
 */
import * as Schema from "effect/Schema"
import { DownloadError } from "../DownloadError.js"
import { displayPath } from "../internal/text/displayUrl.js"

// Made when it is needed first, because making it takes longer than all the rest of a start.
let encode: ((error: DownloadError) => object) | undefined

export const errorJson = (error: DownloadError): object => {
  encode ??= Schema.encodeSync(DownloadError)
  // The output of a command stays on this machine, so it has the whole path.
  const path = error._tag === "Disk" ? { path: displayPath(error.path) } : {}
  return { ...encode(error), ...path, message: error.message }
}
