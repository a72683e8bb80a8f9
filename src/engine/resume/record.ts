/**
 * The record of a kept part: which bytes are in it, and which version of the file they are of. A store keeps it as text.
 *
 * The text has no secret: of a URL it has the SHA-256 of the origin and the path.
 *
 * @internal
 */
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import * as Validator from "../../internal/http/validator.js"
import type { Range } from "../segments/rangeMap.js"

export interface PartRecord {
  /** The strong validator of the version; undefined if the digest of the request is the only proof. */
  readonly validator: string | undefined
  readonly totalBytes: number | undefined
  /** Whether `totalBytes` comes from the response to a range request. */
  readonly isTotalOfRange: boolean
  /** The content codings of the version, and "" if there are none. */
  readonly coding: string
  /** The media type, and "" if the response had none. */
  readonly type: string
  /** The digest of the URL of the request. */
  readonly url: string
  /** The digest of the URL that the version came from, after redirects. */
  readonly source: string
  /** The written ranges, in ascending order and not adjacent. */
  readonly ranges: ReadonlyArray<Range>
}

// A record of another form is not read: the part starts over.
const form = 1

const Bytes = Schema.NonNegativeInt.pipe(Schema.lessThanOrEqualTo(Number.MAX_SAFE_INTEGER))

const Text = Schema.parseJson(
  Schema.Struct({
    form: Schema.Literal(form),
    validator: Schema.optional(Schema.String),
    totalBytes: Schema.optional(Bytes),
    isTotalOfRange: Schema.Boolean,
    coding: Schema.String,
    type: Schema.String,
    url: Schema.String,
    source: Schema.String,
    ranges: Schema.Array(Schema.Tuple(Bytes, Bytes))
  })
)

export const encode = ({ ranges, ...version }: PartRecord): string =>
  JSON.stringify({ form, ...version, ranges: ranges.map(({ endBytes, startBytes }) => [startBytes, endBytes]) })

/** Returns undefined if the text is not a record, or if its ranges contradict each other or the total. */
export const decode = (text: string): PartRecord | undefined => {
  const decoded = Schema.decodeUnknownEither(Text)(text)
  if (Either.isLeft(decoded)) {
    return undefined
  }
  const { coding, isTotalOfRange, source, totalBytes, type, url, validator } = decoded.right
  if (validator !== undefined && !Validator.isStrong(validator)) {
    return undefined
  }
  let atBytes = -1
  for (const [startBytes, endBytes] of decoded.right.ranges) {
    if (startBytes <= atBytes || endBytes <= startBytes || endBytes > (totalBytes ?? endBytes)) {
      return undefined
    }
    atBytes = endBytes
  }
  const ranges = decoded.right.ranges.map(([startBytes, endBytes]) => ({ startBytes, endBytes }))
  return { validator, totalBytes, isTotalOfRange, coding, type, url, source, ranges }
}
