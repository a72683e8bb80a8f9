/**
 * The content of the request, from `--data` of `halyard get`.
 */
import * as Effect from "effect/Effect"
import * as Printable from "../../../internal/text/printable.js"
import { wholeOf } from "../input.js"
import type { Source } from "../options.js"

// The content stays in memory, because another attempt or a redirect may need it again.
const atMostBytes = 64 * 1024 * 1024

/** Reads the content. The bytes of a file are sent as they are. */
export const read = Effect.fnUntraced(function* (source: Source | undefined) {
  return source?._tag === "File"
    ? yield* wholeOf(`--data @${Printable.line(source.path)}`, source.path, atMostBytes)
    : source?.text
})

/** The type of the content if `--header` gives none, as that of a form. */
export const defaultType = { "content-type": "application/x-www-form-urlencoded" }
