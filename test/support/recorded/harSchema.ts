/**
 * The JSON Schema of HAR 1.2, and what the specification and the import of Chromium ask for beyond it.
 */
import { readdirSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { assert } from "@effect/vitest"
import { Ajv } from "ajv"
import formats from "ajv-formats"
import type { Entry } from "../../../src/Har.js"

const directory = fileURLToPath(new URL("../../../node_modules/har-schema/lib/", import.meta.url))

const read = (path: string) => JSON.parse(readFileSync(path, "utf8"))

/** The schema names limits by `min`, which no version of JSON Schema has. */
const withMinimum = (_: string, value: unknown): unknown =>
  typeof value === "object" && value !== null && "min" in value ? { ...value, minimum: value.min } : value

const ajv = new Ajv({ strict: false })
ajv.addMetaSchema(
  read(fileURLToPath(new URL("../../../node_modules/ajv/dist/refs/json-schema-draft-06.json", import.meta.url)))
)
formats.default(ajv)
for (const name of readdirSync(directory).filter((name) => name.endsWith(".json"))) {
  ajv.addSchema(JSON.parse(readFileSync(directory + name, "utf8"), withMinimum))
}
const isHar = ajv.compile({ $ref: "har.json#" })

/** The entries of an archive that is right in every respect. */
export const entriesOf = (text: string): ReadonlyArray<Entry> => {
  const har = JSON.parse(text)
  assert.isTrue(isHar(har), JSON.stringify(isHar.errors))
  const { creator, entries, version } = har.log
  assert.deepStrictEqual([version, creator.name], ["1.2", "halyard"])
  for (const entry of entries) {
    const { blocked, connect, dns, receive, send, ssl, wait } = entry.timings
    const phases = [blocked, dns, connect, send, wait, receive].filter((millis) => millis !== -1)
    // The time for TLS is a part of the time to connect.
    assert.strictEqual(
      entry.time,
      phases.reduce((sum, millis) => sum + millis, 0),
      JSON.stringify(entry)
    )
    assert.isAtMost(ssl, connect)
    assert.isTrue([...phases, entry.time].every((millis) => Number.isInteger(millis) && millis >= 0))
    assert.match(entry.startedDateTime, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
    // Chromium reads these without a check.
    for (const [holder, fields] of [
      [entry.request, ["method", "url", "httpVersion", "headers", "cookies", "queryString"]],
      [entry.response, ["status", "statusText", "httpVersion", "headers", "cookies", "content", "redirectURL"]]
    ] as const) {
      for (const field of fields) {
        assert.isDefined(holder[field], field)
      }
    }
    if (entry.response.status === 0) {
      assert.match(entry.response._error, /./)
    }
  }
  const starts = entries.map(({ startedDateTime }: Entry) => startedDateTime)
  assert.deepStrictEqual(starts, [...starts].sort())
  return entries
}
