/**
 * The published JSON Schema of the lines of `--json`, for a validator that has nothing to do with the program.
 */
import { readFileSync } from "node:fs"
import { Ajv2020 } from "ajv/dist/2020.js"

const text = readFileSync(new URL("../../../dist/events.schema.json", import.meta.url), "utf8")

/** Refuses fields that the schema does not name. The published schema allows them, because a later version may have more. */
const strict = (_: string, value: unknown): unknown =>
  typeof value === "object" &&
  value !== null &&
  "properties" in value &&
  Object.keys(Object(value.properties)).length > 0
    ? { ...value, additionalProperties: false }
    : value

const validators = [JSON.parse(text), JSON.parse(text, strict)].map((schema) => new Ajv2020().compile(schema))

/** Why the lines are not what the schema says. A line with fields that it does not name is wrong, too. */
export const problemsOf = (lines: ReadonlyArray<string>): ReadonlyArray<string> =>
  validators.flatMap((isValid) =>
    lines.flatMap((line) => (isValid(JSON.parse(line)) ? [] : [`${line} ${JSON.stringify(isValid.errors)}`]))
  )
