/**
 * The record of a kept part: the text of its last checkpoint, and the objects that hold its bytes.
 *
 * @internal
 */
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import type { StoredBlock } from "./block.js"

// A record of another form is not read.
const form = 1

const Bytes = Schema.NonNegativeInt

const Record = Schema.Struct({
  form: Schema.Literal(form),
  /** The process that uses the part. "": none. */
  owner: Schema.String,
  /** The key of the destination, and the key under which the part is kept. */
  destination: Schema.String,
  resume: Schema.String,
  blockBytes: Bytes.pipe(Schema.positive()),
  blocks: Schema.Array(
    Schema.Struct({
      index: Bytes,
      name: Schema.String.pipe(Schema.pattern(/^[0-9a-f-]{1,64}$/)),
      etag: Schema.String,
      sizeBytes: Bytes,
      written: Schema.Array(Schema.Tuple(Bytes, Bytes))
    })
  ),
  record: Schema.String
})

const Text = Schema.parseJson(Record)

export interface KeptBlock extends StoredBlock {
  readonly index: number
}

export type KeptRecord = Omit<typeof Record.Type, "form">

export const encode = (record: KeptRecord): Uint8Array => new TextEncoder().encode(JSON.stringify({ form, ...record }))

const decodeText = Schema.decodeUnknownEither(Text)

/** Returns undefined if the bytes are no record. */
export const decode = (bytes: Uint8Array): KeptRecord | undefined =>
  Either.getOrUndefined(decodeText(new TextDecoder().decode(bytes)))
