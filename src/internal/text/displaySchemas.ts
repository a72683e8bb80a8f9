/**
 * Schemas of strings that are encoded without secrets and decoded unchanged.
 *
 * @internal
 */
import * as Schema from "effect/Schema"
import * as DisplayUrl from "./displayUrl.js"

const encodedBy = (encode: (text: string) => string): Schema.Schema<string> =>
  Schema.transform(Schema.String, Schema.String, { strict: true, decode: (text) => text, encode })

/** A URL, encoded without secrets. */
export const DisplayedUrl: Schema.Schema<string> = encodedBy(DisplayUrl.displayUrl)

/** Text that may contain URLs, encoded without their secrets. */
export const DisplayedText: Schema.Schema<string> = encodedBy(DisplayUrl.displayText)

/** A path, encoded as its last segment. */
export const DisplayedName: Schema.Schema<string> = encodedBy(DisplayUrl.displayName)

/** Text that may contain paths and URLs, encoded without secrets and with only the last segment of each path. */
export const DisplayedDetail: Schema.Schema<string> = encodedBy(DisplayUrl.displayDetail)
