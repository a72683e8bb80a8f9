/**
 * The last attempts of a shard, as the text that its row keeps.
 */
import * as Schema from "effect/Schema"
import type { BegunShard } from "./models.js"
import { keptAttempts } from "./rows.js"

const Text = Schema.parseJson(Schema.Array(Schema.Tuple(Schema.String, Schema.Number)))

const encodeText = Schema.encodeSync(Text)
const decodeText = Schema.decodeSync(Text)

/** A claim is the name of a runner, a space, and the random name of the attempt. */
export const runnerOf = (claim: string): string => claim.replace(/ [^ ]*$/, "")

/** The text with one more attempt. */
export const added = (text: string, attempt: { readonly claim: string; readonly beganMillis: number }): string =>
  encodeText([...decodeText(text), [runnerOf(attempt.claim), attempt.beganMillis] as const].slice(-keptAttempts))

export const decode = (text: string): BegunShard["lastAttempts"] =>
  decodeText(text).map(([runner, beganMillis]) => ({ runner, beganMillis }))
