/**
 * An object beside the blocks of a part that names the multipart upload which makes the file of the part.
 *
 * @internal
 */
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"

const Note = Schema.Struct({ key: Schema.String, upload: Schema.String })

export type Note = typeof Note.Type

export const prefix = "upload-"

export const encode = (note: Note): Uint8Array => new TextEncoder().encode(JSON.stringify(note))

const decodeText = Schema.decodeUnknownEither(Schema.parseJson(Note))

export const decode = (bytes: Uint8Array): Note | undefined =>
  Either.getOrUndefined(decodeText(new TextDecoder().decode(bytes)))
