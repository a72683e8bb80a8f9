import { assert, describe, it } from "@effect/vitest"
import { RetryLines } from "../../../../src/Cli/Get/summary/retryLines.js"
import * as ShownUrls from "../../../../src/Cli/Get/summary/shownUrls.js"
import * as Download from "../../../../src/Download.js"
import { HttpStatus } from "../../../../src/DownloadError.js"
import { Exchanged, Retrying } from "../../../../src/DownloadEvent.js"
import { displayUrl } from "../../../../src/internal/text/displayUrl.js"

const retrying = (url: string, delayMillis: number) =>
  new Retrying({
    atMillis: 0,
    request: Download.request({ url, destination: "a" }),
    error: new HttpStatus({ url: displayUrl(url), status: 429 }),
    attempt: 1,
    delayMillis
  })

describe("the lines for retries of halyard get", () => {
  it("have a line each, and after the first 20 one line in ten seconds", () => {
    let now = 0
    const retries = new RetryLines(() => now, ShownUrls.make(false))
    assert.strictEqual(
      retries.line(retrying("http://user:secret@host.test/a?key=secret", 119_600)),
      "http://***@host.test/a?key=…: HTTP error 429 - Too Many Requests; retrying in 120 s"
    )
    const lines: Array<string> = []
    for (let index = 1; index < 6000; index++) {
      now += 10
      const line = retries.line(retrying("http://host.test/b", 250))
      lines.push(...(line === undefined ? [] : [line]))
    }
    assert.strictEqual(lines.length, 19 + 5)
    assert.strictEqual(
      lines.at(-1),
      "http://host.test/b: HTTP error 429 - Too Many Requests; retrying in 0.3 s (and 999 other retries)"
    )
  })

  it("have URLs as they were given, also those that a redirect led to, if that is asked for", () => {
    const urls = ShownUrls.make(true)
    const request = Download.request({ url: "http://user:s3cret@host.test/a?key=s3cret\u001b[2J", destination: "a" })
    const target = "http://other.test/b?token=s3cret"
    const error = new HttpStatus({ url: displayUrl(target), status: 503 })
    const exchange = { request, method: "GET", attempt: 1, offsetBytes: 0, bytes: 0, beganAtMillis: 0, permitMillis: 0 }
    urls.receive(new Exchanged({ ...exchange, atMillis: 0, url: "http://host.test/a?key=s3cret\u001b[2J" }))
    urls.receive(new Exchanged({ ...exchange, atMillis: 0, url: target, error }))
    const event = new Retrying({ atMillis: 0, request, error, attempt: 1, delayMillis: 1000 })
    assert.strictEqual(
      new RetryLines(() => 0, urls).line(event),
      "http://user:s3cret@host.test/a?key=s3cret\\x1b[2J: HTTP error 503 - Service Unavailable " +
        "(redirected to http://other.test/b?token=s3cret); retrying in 1 s"
    )
    // What is remembered for one that shows URLs is not shown by another.
    assert.notInclude(new RetryLines(() => 0, ShownUrls.make(false)).line(event), "s3cret")
  })
})
