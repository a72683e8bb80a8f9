/**
 * An error as `--json` prints it: its fields and its sentence.
 *
 * @internal
 */
import * as Schema from "effect/Schema"
import { DownloadError } from "../DownloadError.js"

// Made when it is needed first, because making it takes longer than all the rest of a start.
let encode: ((error: DownloadError) => object) | undefined

export const errorJson = (error: DownloadError): object => {
  encode ??= Schema.encodeSync(DownloadError)
  return { ...encode(error), message: error.message }
}
