import { assert, describe, it } from "@effect/vitest"
import { PendingRetries } from "../../src/Cli/Get/pendingRetries.js"
import * as Download from "../../src/Download.js"
import { HttpStatus } from "../../src/DownloadError.js"
import { Retrying } from "../../src/DownloadEvent.js"
import { displayUrl } from "../../src/internal/text/displayUrl.js"

const retrying = (url: string, delayMillis: number) =>
  new Retrying({
    request: Download.request({ url, destination: "a" }),
    error: new HttpStatus({ url: displayUrl(url), status: 429 }),
    attempt: 1,
    delayMillis
  })

describe("the pending retries of halyard get", () => {
  it("have a line each, and after the first 20 one line in ten seconds", () => {
    let now = 0
    const retries = new PendingRetries(() => now)
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

  it("are counted in the status, with the one that ends first", () => {
    let now = 0
    const retries = new PendingRetries(() => now)
    const [first, second] = [retrying("http://host.test/a", 5000), retrying("http://host.test/b", 120_000)]
    assert.strictEqual(retries.status(), "")
    retries.add(second)
    now = 2000
    assert.strictEqual(
      retries.status(),
      "; retrying in 118 s after HTTP error 429 - Too Many Requests: http://host.test/b"
    )
    retries.add(first)
    assert.match(retries.status(), /^; 2 retries, the first in 5 s after .*\/a$/)
    now = 7000
    assert.match(retries.status(), /^; retrying in 113 s after .*\/b$/)
    retries.delete(second.request)
    assert.strictEqual(retries.status(), "")
  })
})
