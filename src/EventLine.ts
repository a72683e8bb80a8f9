/**
 * The lines of `halyard get --json` and `halyard flags --json`: one JSON object for each event of a run.
 *
 * The schemas here are the documentation of the lines. The package has them as JSON Schema too: `halyard/events.schema.json`. The
 * line `Run` has the version of the schema. A reader ignores fields and kinds of lines that it does not know.
 *
 * @since 0.2.0
 */
import type * as Either from "effect/Either"
import * as JsonSchema from "effect/JSONSchema"
import type { ParseError } from "effect/ParseResult"
import * as Schema from "effect/Schema"
import { EventLine } from "./EventLine/schema.js"

export {
  fromEvent,
  fromExchanged,
  fromOutcome,
  type LineOptions,
  type Place,
  report,
  run,
  toText
} from "./EventLine/lines.js"
export * from "./EventLine/schema.js"

/**
 * Reads a line. A field that is not in the schema is kept, so `toText` gives the same line again.
 *
 * @category decoding
 * @since 0.2.0
 */
export const decode: (line: string) => Either.Either<EventLine, ParseError> = Schema.decodeEither(
  Schema.parseJson(EventLine),
  { onExcessProperty: "preserve", propertyOrder: "original" }
)

/**
 * Makes the JSON Schema of a line (draft 2020-12).
 *
 * @category schemas
 * @since 0.2.0
 */
export const jsonSchema = (): object => {
  const definitions: Record<string, JsonSchema.JsonSchema7> = {}
  const line = JsonSchema.fromAST(EventLine.ast, {
    definitions,
    target: "jsonSchema2020-12",
    additionalPropertiesStrategy: "allow"
  })
  return { $schema: "https://json-schema.org/draft/2020-12/schema", ...line, $defs: definitions }
}
