/**
 * The last attempts of a shard, and the text that its row keeps of them.
 */
import * as Schema from "effect/Schema"
import type { BegunShard } from "../models.js"
import { keptAttempts } from "./rows.js"

export type LastAttempts = BegunShard["lastAttempts"]

const Text = Schema.parseJson(Schema.Array(Schema.Tuple(Schema.String, Schema.Number, Schema.Literal(0, 1))))

const encodeText = Schema.encodeSync(Text)
const decodeText = Schema.decodeSync(Text)

export const encode = (attempts: LastAttempts): string =>
  encodeText(attempts.map(({ beganMillis, isReleased, runner }) => [runner, beganMillis, isReleased ? 1 : 0]))

export const decode = (text: string): LastAttempts =>
  decodeText(text).map(([runner, beganMillis, isReleased]) => ({ runner, beganMillis, isReleased: isReleased === 1 }))

/** One more attempt. A claim is the name of a runner, a space, and the random name of the attempt. */
export const added = (attempts: LastAttempts, claim: string, beganMillis: number): LastAttempts =>
  [...attempts, { runner: claim.replace(/ [^ ]*$/, ""), beganMillis, isReleased: false }].slice(-keptAttempts)

/**
 * The attempts after one of them was released, by its number. `count` is the number of all attempts. Undefined if it is released already,
 * or not kept any more.
 */
export const released = (attempts: LastAttempts, attempt: number, count: number): LastAttempts | undefined => {
  const place = attempts.length - 1 - (count - attempt)
  const found = attempts[place]
  return found === undefined || found.isReleased
    ? undefined
    : attempts.map((other, index) => (index === place ? { ...other, isReleased: true } : other))
}
