import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import * as FastCheck from "effect/FastCheck"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import * as Download from "../src/Download.js"
import { HttpStatus, Timeout } from "../src/DownloadError.js"

const request = Download.request({ id: "BR", url: "http://origin/br.gif", destination: "br.gif" })

const outcomes: ReadonlyArray<Download.DownloadOutcome> = [
  new Download.Saved({
    request,
    destination: request.destination,
    bytes: 7,
    verified: "digest",
    attempts: 1,
    url: "http://cdn/br.gif",
    status: 200,
    mediaType: "image/gif",
    etag: '"1"',
    lastModified: "Thu, 01 Jan 2026 00:00:00 GMT",
    digest: "sha256:00"
  }),
  new Download.Skipped({ request, reason: "exists" }),
  new Download.NotModified({ request, file: { bytes: 5 } }),
  new Download.Cancelled({ request }),
  new Download.Cancelled({ request, attempts: 1 }),
  new Download.Cancelled({ request, attempts: 0 }),
  new Download.Failed({ request, error: new HttpStatus({ url: request.url, status: 404 }) }),
  new Download.Failed({ request, error: new HttpStatus({ url: request.url, status: 500 }) }),
  new Download.Failed({
    request,
    error: new Timeout({ url: request.url, phase: "headers", limitMillis: 3100, receivedBytes: 0 })
  })
]

describe("Download", () => {
  it("counts every outcome exactly once", () => {
    FastCheck.assert(
      FastCheck.property(FastCheck.array(FastCheck.constantFrom(...outcomes)), (sample) => {
        const report = sample.reduce(Download.addOutcome, Download.emptyReport)
        const failures = Object.values(report.failures).reduce((sum, count) => sum + count, 0)
        assert.strictEqual(
          report.saved + report.skipped + report.notModified + report.failed + report.cancelled + report.notStarted,
          sample.length
        )
        assert.strictEqual(failures, report.failed)
        assert.isAtMost(report.notFound, report.failed)
        assert.strictEqual(report.bytes, report.saved * 7)
        assert.strictEqual(report.notStarted, sample.filter(Download.isNotStarted).length)
      })
    )
  })

  it("takes the URL as a string or as an object", () => {
    const made = Download.request({ url: new URL("http://origin/br.gif"), destination: "br.gif" })
    assert.deepInclude(made, { id: "http://origin/br.gif", url: "http://origin/br.gif" })
  })

  it("has an exit code that says if a request failed", () => {
    const codeOf = (sample: ReadonlyArray<Download.DownloadOutcome>) =>
      Download.exitCode(sample.reduce(Download.addOutcome, Download.emptyReport))
    assert.strictEqual(codeOf(outcomes.slice(0, 2)), 0)
    assert.strictEqual(codeOf(outcomes), 1)
    assert.strictEqual(codeOf([new Download.Cancelled({ request, attempts: 0 })]), 1)
  })

  it("encodes any outcome to JSON and back", () => {
    const encode = Schema.encodeSync(Schema.parseJson(Download.DownloadOutcome))
    const decode = Schema.decodeSync(Schema.parseJson(Download.DownloadOutcome))
    const same = Schema.equivalence(Download.DownloadOutcome)
    for (const outcome of outcomes) {
      assert.isTrue(same(decode(encode(outcome)), outcome))
    }
  })

  it("decodes what it encodes, for any request", () => {
    const arbitrary = Arbitrary.make(
      Schema.Struct({ id: Schema.NonEmptyString, url: Schema.String, destination: Schema.String })
    )
    FastCheck.assert(
      FastCheck.property(arbitrary, (fields) => {
        const one = Download.request({ ...fields, timeout: "3100 millis", onExists: "skip" })
        const encoded = Schema.encodeSync(Download.DownloadRequestShown)(one)
        const shown = Schema.decodeSync(Download.DownloadRequestShown)(encoded)
        assert.deepStrictEqual(Schema.encodeSync(Download.DownloadRequestShown)(shown), encoded)
      })
    )
  })

  describe("DownloadRequest", () => {
    const decode = Schema.decodeUnknownEither(Download.DownloadRequest)
    const given = { url: "https://origin/br.gif?size=2", destination: "flags/br.gif" }
    const digest = `sha256:${"0".repeat(64)}`

    it("decodes from a URL and a destination, with the defaults of a request", () => {
      assert.deepStrictEqual(Either.getOrThrow(decode(given)), Download.request(given))
    })

    it("decodes every field", () => {
      const fields = {
        ...given,
        id: "BR",
        timeout: "5 seconds",
        deadline: "1 minute",
        connectTimeout: "2 seconds",
        headersTimeout: 3000,
        stall: { bytes: 1000, within: "30 seconds" },
        onExists: "unique",
        headers: { authorization: "Bearer x" },
        digest,
        mirrors: ["https://mirror/br.gif"],
        sizeBytes: 7,
        limitBytes: 8,
        mediaType: "image/*",
        resume: true,
        continue: true
      } as const
      assert.deepStrictEqual(Either.getOrThrow(decode(fields)), Download.request(fields))
      for (const [timeout, millis] of [
        [1500, 1500],
        [0.5, 0.5],
        ["2 minutes", 120_000],
        ["Infinity", Number.POSITIVE_INFINITY]
      ] as const) {
        const { timeout: decoded } = Either.getOrThrow(decode({ ...given, timeout }))
        assert.strictEqual(Duration.toMillis(decoded), millis)
      }
    })

    it("names the wrong field, and gives the reason", () => {
      for (const [field, value, why] of [
        ["url", "ftp://origin/a", "neither http: nor https:"],
        ["url", "file:///etc/passwd", "neither http: nor https:"],
        ["url", "origin/a", "not an absolute URL"],
        ["url", "http://origin:bad/", "not a valid URL"],
        ["url", "http://origin/a\r\nb", "control character"],
        ["url", 7, "not a string"],
        ["url", undefined, "not a string"],
        ["destination", "", "empty"],
        ["destination", "a\0b", "NUL"],
        ["destination", undefined, "not a string"],
        ["timeout", -1, "not a duration"],
        ["timeout", "-1 seconds", "not a duration"],
        ["timeout", "soon", "not a duration"],
        ["timeout", Number.NaN, "not a duration"],
        ["timeout", 0, "timeout must be longer than 0"],
        ["deadline", "0 millis", "deadline must be longer than 0"],
        ["connectTimeout", 0, "connectTimeout must be longer than 0"],
        ["headersTimeout", "never", "not a duration"],
        ["stall", { bytes: 1, within: 0 }, "stall must have"],
        ["stall", { bytes: "few", within: 1 }, "not a number"],
        ["onExists", "ask", "overwrite"],
        ["headers", { "a b": "c" }, "name"],
        ["headers", { "": "c" }, "name"],
        ["headers", { "a:": "c" }, "name"],
        ["headers", { a: "b\r\nc: d" }, "the header a contains a line break"],
        ["headers", { a: "b\0" }, "NUL"],
        ["headers", { a: "\u2026x" }, "not allowed in a value"],
        ["headers", { Range: "bytes=0-" }, "the downloader sets the header Range itself"],
        ["headers", { a: 7 }, "not a string"],
        ["headers", ["a: b"], "not an object of strings"],
        ["digest", "md5:00", "sha256"],
        ["mirrors", ["https://mirror/a", "mirror/a"], "a mirror: it is not an absolute URL"],
        ["mirrors", "https://mirror/a", "not an array of strings"],
        ["mirrors", [7], "not"],
        ["sizeBytes", -1, "whole number"],
        ["sizeBytes", 1.5, "whole number"],
        ["sizeBytes", "many", "not a number"],
        ["limitBytes", -1, "whole number"],
        ["limitBytes", Number.NaN, "whole number"],
        ["mediaType", "image", "image/gif"],
        ["mediaType", "image/gif; charset=utf-8", "image/gif"],
        ["resume", "yes", "neither true nor false"]
      ] as const) {
        const refused = decode({ ...given, [field]: value })
        assert.isTrue(Either.isLeft(refused), `${field}: ${JSON.stringify(value)}`)
        const issues = Either.isLeft(refused) ? ParseResult.ArrayFormatter.formatErrorSync(refused.left) : []
        assert.deepStrictEqual(new Set(issues.map(({ path }) => path[0])), new Set([field]))
        assert.include(issues.map(({ message }) => message).join("\n"), why, field)
      }
    })

    it("survives its encoding with durations of every length", () => {
      for (const timeout of ["5 nanos", "1 millis", "30 days", Number.POSITIVE_INFINITY] as const) {
        const one = Download.request({ url: "https://origin/br.gif", destination: "br.gif", timeout })
        for (const schema of [
          Download.DownloadRequest,
          Download.DownloadRequestShown,
          Download.DownloadRequestWithSecrets
        ]) {
          const json = Schema.parseJson(schema)
          const there = Schema.decodeSync(json)(Schema.encodeSync(json)(one))
          assert.isTrue(Duration.equals(there.timeout, one.timeout))
        }
      }
    })
  })
})
