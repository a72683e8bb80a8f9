import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import * as Redacted from "effect/Redacted"
import { Download } from "halyard"
import { decode, encode, type UnreadableRequests } from "../../src/Download/storedRequests.js"

type AllOptions = {
  readonly [Name in keyof Required<Download.RequestOptions>]: NonNullable<Download.RequestOptions[Name]>
}

// A field that is added to a request does not compile here until it has a value.
const all: AllOptions = {
  url: "https://user:password@origin.test/a?token=secret",
  destination: "d/a",
  id: "line 1",
  timeout: "90 seconds",
  deadline: Duration.infinity,
  connectTimeout: Duration.millis(1.5),
  headersTimeout: "2 seconds",
  stall: { bytes: 1000, within: "10 seconds" },
  onExists: "sync",
  nameFrom: "server",
  headers: { authorization: "Bearer secret", accept: Redacted.make("image/*") },
  method: "PUT",
  body: new Uint8Array([0, 1, 254, 255]),
  digest: `sha256:${"ab".repeat(32)}`,
  digestAlgorithm: "sha256",
  mirrors: ["https://mirror.test/a", "https://mirror.test/b"],
  sizeBytes: 12_345,
  limitBytes: Number.POSITIVE_INFINITY,
  mediaType: "image/gif",
  resume: true,
  continue: false
}

const roundTrip = (request: Download.DownloadRequest) => Either.map(decode(encode([request])), ([first]) => first)

const assertEqual = (found: Download.DownloadRequest | undefined, expected: Download.DownloadRequest) => {
  assert.instanceOf(found, Download.DownloadRequest)
  assert.deepStrictEqual(Object.keys(found).sort(), Object.keys(expected).sort())
  // The values of Redacted are not own properties, so the first comparison does not see them.
  assert.deepStrictEqual(found, expected)
  for (const [name, value] of Object.entries(expected.headers ?? {})) {
    assert.strictEqual(found.headers?.[name] && Redacted.value(found.headers[name]), Redacted.value(value))
  }
  assert.deepStrictEqual(found.body && Redacted.value(found.body), expected.body && Redacted.value(expected.body))
}

describe("stored requests", () => {
  it("are the requests, with every field and every secret", () => {
    const request = Download.request(all)
    assert.includeMembers(Object.keys(request), Object.keys(all))
    assertEqual(Either.getOrThrow(roundTrip(request)), request)
  })

  it.each(Object.entries(all))("keep the field %s alone", (name, value) => {
    const request = Download.request({ url: "https://origin.test/a", destination: "d/a", [name]: value })
    assertEqual(Either.getOrThrow(roundTrip(request)), request)
  })

  it.each([
    ["a URL without an id", { url: "https://origin.test/a" }],
    ["a URL with secrets and without an id", { url: "https://user:password@origin.test/a?token=secret" }],
    ["a text that is no URL", { url: "no URL" }],
    ["a size that no file has", { sizeBytes: Number.NaN }],
    ["no size", { sizeBytes: 0, limitBytes: 0 }],
    ["a stall without a number", { stall: { bytes: Number.NEGATIVE_INFINITY, within: Duration.infinity } }],
    ["a time of zero", { timeout: 0, deadline: 0 }],
    ["an empty body", { body: "" }],
    ["no headers", { headers: {} }]
  ] as const)("keep %s", (_, options) => {
    const request = Download.request({ url: "https://origin.test/a", destination: "d/a", ...options })
    assertEqual(Either.getOrThrow(roundTrip(request)), request)
  })

  const refused = (text: string): UnreadableRequests => Either.getOrThrow(Either.flip(decode(text)))

  it("of another version are refused", () => {
    const stored = JSON.parse(encode([Download.request(all)]))
    for (const other of [{ ...stored, version: 2 }, { ...stored, version: undefined }, stored.requests, null, 1]) {
      assert.strictEqual(refused(JSON.stringify(other)).reason, "version")
    }
  })

  it("that are damaged are refused, without their secrets", () => {
    const text = encode([Download.request(all)])
    const withBody = text.replace(/"body":"[^"]*"/, '"body":"%"')
    for (const damaged of [
      "",
      text.slice(0, -3),
      withBody,
      '{"version":1,"requests":[null]}',
      '{"version":1,"requests":1}',
      '{"version":1}'
    ]) {
      const error = refused(damaged)
      assert.strictEqual(error.reason, "damaged")
      assert.notInclude(JSON.stringify([error, error.message, `${error}`]), "secret")
    }
  })
})
