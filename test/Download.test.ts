import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as FastCheck from "effect/FastCheck"
import * as Schema from "effect/Schema"
import * as Download from "../src/Download.js"
import { HttpStatus, Timeout } from "../src/DownloadError.js"

const request = Download.request({ id: "BR", url: "http://origin/br.gif", destination: "br.gif" })

const outcomes: ReadonlyArray<Download.DownloadOutcome> = [
  new Download.Saved({ request, destination: request.destination, bytes: 7, verified: "length", attempts: 1 }),
  new Download.Skipped({ request }),
  new Download.Cancelled({ request }),
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
        assert.strictEqual(report.saved + report.skipped + report.failed + report.cancelled, sample.length)
        assert.strictEqual(failures, report.failed)
        assert.isAtMost(report.notFound, report.failed)
        assert.strictEqual(report.bytes, report.saved * 7)
      })
    )
  })

  it("says by the exit code whether something failed", () => {
    const codeOf = (sample: ReadonlyArray<Download.DownloadOutcome>) =>
      Download.exitCode(sample.reduce(Download.addOutcome, Download.emptyReport))
    assert.strictEqual(codeOf(outcomes.slice(0, 2)), 0)
    assert.strictEqual(codeOf(outcomes), 1)
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
      Schema.Struct({ id: Schema.String, url: Schema.String, destination: Schema.String })
    )
    FastCheck.assert(
      FastCheck.property(arbitrary, (fields) => {
        const one = Download.request({ ...fields, timeout: "3100 millis", onExists: "skip" })
        const encoded = Schema.encodeSync(Download.DownloadRequest)(one)
        assert.deepStrictEqual(Schema.decodeSync(Download.DownloadRequest)(encoded), one)
      })
    )
  })
})
