import { assert, describe, it } from "@effect/vitest"
import { RetryLines } from "../../src/Cli/Get/retryLines.js"
import * as Download from "../../src/Download.js"
import { HttpStatus } from "../../src/DownloadError.js"
import { Retrying } from "../../src/DownloadEvent.js"
import { displayUrl } from "../../src/internal/text/displayUrl.js"

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
    const retries = new RetryLines(() => now)
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
})
