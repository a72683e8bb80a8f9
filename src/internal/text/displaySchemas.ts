/**
 * Schemas of strings that are encoded without secrets and decoded unchanged.
 */
import * as Schema from "effect/Schema"
import * as DisplayUrl from "./displayUrl.js"

const encodedBy = (encode: (text: string) => string): Schema.Schema<string> =>
  Schema.transform(Schema.String, Schema.String, { strict: true, decode: (text) => text, encode })

/** A URL. */
export const DisplayedUrl: Schema.Schema<string> = encodedBy(DisplayUrl.displayUrl)

/** A text that may contain URLs. */
export const DisplayedText: Schema.Schema<string> = encodedBy(DisplayUrl.displayText)

/** A path, which is encoded as its last segment. */
export const DisplayedName: Schema.Schema<string> = encodedBy(DisplayUrl.displayName)

/** A text that may contain URLs and paths. Each path is encoded as its last segment. */
export const DisplayedDetail: Schema.Schema<string> = encodedBy(DisplayUrl.displayDetail)
