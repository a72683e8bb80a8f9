import { assert, describe, it } from "@effect/vitest"
import { Waits } from "../../src/Cli/Get/waits.js"
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

describe("Cli/Get/waits", () => {
  it("has a line for each retry, and of thousands one every ten seconds", () => {
    let now = 0
    const waits = new Waits(() => now)
    assert.strictEqual(
      waits.line(retrying("http://user:secret@host.test/a?key=secret", 119_600)),
      "http://***@host.test/a?key=…: HTTP error 429 - Too Many Requests; again in 120 s"
    )
    const lines: Array<string> = []
    for (let index = 1; index < 6000; index++) {
      now += 10
      const line = waits.line(retrying("http://host.test/b", 250))
      lines.push(...(line === undefined ? [] : [line]))
    }
    assert.strictEqual(lines.length, 19 + 5)
    assert.strictEqual(
      lines.at(-1),
      "http://host.test/b: HTTP error 429 - Too Many Requests; again in 0.3 s (and 999 others since)"
    )
  })

  it("has the wait that is over first in the status, as long as there is one", () => {
    let now = 0
    const waits = new Waits(() => now)
    const [first, second] = [retrying("http://host.test/a", 5000), retrying("http://host.test/b", 120_000)]
    assert.strictEqual(waits.status(), "")
    waits.add(second)
    now = 2000
    assert.strictEqual(waits.status(), "; again in 118 s after HTTP error 429 - Too Many Requests: http://host.test/b")
    waits.add(first)
    assert.match(waits.status(), /^; 2 wait, the first again in 5 s after .*\/a$/)
    now = 7000
    assert.match(waits.status(), /^; again in 113 s after .*\/b$/)
    waits.delete(second.request)
    assert.strictEqual(waits.status(), "")
  })
})
