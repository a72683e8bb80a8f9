import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import { Connection, Disk, HttpStatus, Mismatch, Protocol, Timeout, Truncated } from "../src/DownloadError.js"
import * as RetryPolicy from "../src/RetryPolicy.js"

const url = "http://origin/a"
const status = (code: number, retryAfterMillis?: number) =>
  new HttpStatus({ url, status: code, ...(retryAfterMillis === undefined ? {} : { retryAfterMillis }) })

const delay = (
  error: Parameters<typeof RetryPolicy.isTransient>[0],
  options: { readonly attempt?: number; readonly elapsedMillis?: number; readonly random?: number } = {},
  policy = RetryPolicy.defaults
) => RetryPolicy.delayMillis(policy, { error, attempt: 1, elapsedMillis: 0, random: 0.5, ...options })

describe("RetryPolicy", () => {
  it("tries again what may pass, and nothing else", () => {
    for (const code of [408, 425, 429, 500, 502, 503, 504]) {
      assert.isTrue(RetryPolicy.isTransient(status(code)), `${code}`)
    }
    for (const code of [400, 401, 403, 404, 410, 451, 501, 505]) {
      assert.isFalse(RetryPolicy.isTransient(status(code)), `${code}`)
    }
    const transient = [
      new Timeout({ url, phase: "stall", limitMillis: 1, receivedBytes: 0 }),
      new Truncated({ url, expectedBytes: 2, receivedBytes: 1 }),
      new Connection({ url, reason: "reset", receivedBytes: 0, detail: "" }),
      new Protocol({ url, reason: "range", detail: "" }),
      new Mismatch({ url, reason: "digest", expected: "a", actual: "b", resumed: true }),
      new Disk({ path: "a", reason: "too-many-open", detail: "" })
    ]
    const final = [
      new Connection({ url, reason: "tls", receivedBytes: 0, detail: "" }),
      new Protocol({ url, reason: "message", detail: "" }),
      new Mismatch({ url, reason: "digest", expected: "a", actual: "b", resumed: false }),
      new Disk({ path: "a", reason: "full", detail: "" })
    ]
    assert.isTrue(transient.every(RetryPolicy.isTransient))
    assert.isFalse(final.some(RetryPolicy.isTransient))
  })

  it("doubles its steps up to the longest, and draws from the upper half of each", () => {
    const of = (attempt: number, random: number) => delay(status(500), { attempt, random })
    assert.deepStrictEqual([of(1, 0), of(2, 0), of(3, 0)], [250, 500, 1000])
    assert.strictEqual(of(3, 1), 2000)
    const patient = RetryPolicy.make({ retries: 100 })
    assert.strictEqual(delay(status(500), { attempt: 50, random: 1 }, patient), 30_000)
  })

  it("waits at least as long as the server asks for, clamped", () => {
    assert.isAtLeast(delay(status(503, 7000)) ?? 0, 7000)
    assert.isAtMost(delay(status(503, 10 ** 12)) ?? 0, 120_500)
    assert.isAtLeast(delay(status(503, 10 ** 12)) ?? 0, 120_000)
  })

  it("ends by count and by time", () => {
    assert.isDefined(delay(status(500), { attempt: 5 }))
    assert.isUndefined(delay(status(500), { attempt: 6 }))
    assert.isUndefined(delay(status(500), { elapsedMillis: Duration.toMillis("1 hour") }))
    assert.isUndefined(delay(status(500), {}, RetryPolicy.none))
  })

  it("tries a connection that was lost before an answer once more at once", () => {
    const lost = new Connection({ url, reason: "reset", receivedBytes: 0, detail: "" })
    assert.strictEqual(delay(lost), 0)
    assert.isAbove(delay(lost, { attempt: 2 }) ?? 0, 0)
  })
})
