import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import { Connection, Disk, HttpStatus, Mismatch, Protocol, Timeout, Truncated } from "../src/DownloadError.js"
import * as RetryPolicy from "../src/RetryPolicy.js"

const url = "http://origin/a"
const status = (code: number, retryAfterMillis?: number) =>
  new HttpStatus({ url, status: code, ...(retryAfterMillis === undefined ? {} : { retryAfterMillis }) })

const delay = (
  error: Parameters<typeof RetryPolicy.isTransient>[0],
  options: {
    readonly attempt?: number
    readonly elapsedMillis?: number
    readonly random?: number
    readonly hasAnswered?: boolean
  } = {},
  policy = RetryPolicy.defaults
) => RetryPolicy.delayMillis(policy, { error, attempt: 1, elapsedMillis: 0, random: 0.5, ...options })

describe("RetryPolicy", () => {
  it("retries transient failures, and no others", () => {
    // Unknown statuses count as 500 (RFC 9110 §15).
    for (const code of [408, 425, 429, 500, 502, 503, 504, 507, 509, 520, 522, 524, 529, 530, 599, 999]) {
      assert.isTrue(RetryPolicy.isTransient(status(code)), `${code}`)
    }
    for (const code of [400, 401, 403, 404, 410, 418, 430, 451, 460, 499, 501, 505, 506, 508, 510, 511]) {
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

  it("doubles its steps up to the longest, and draws each delay from the upper half of its step", () => {
    const of = (attempt: number, random: number) => delay(status(500), { attempt, random })
    assert.deepStrictEqual([of(1, 0), of(2, 0), of(3, 0)], [250, 500, 1000])
    assert.strictEqual(of(3, 1), 2000)
    const patient = RetryPolicy.make({ retries: 100 })
    assert.strictEqual(delay(status(500), { attempt: 50, random: 1 }, patient), 30_000)
  })

  it("waits at least as long as `Retry-After` says, up to longestWait", () => {
    assert.isAtLeast(delay(status(503, 7000)) ?? 0, 7000)
    assert.isAtMost(delay(status(503, 10 ** 12)) ?? 0, 120_500)
    assert.isAtLeast(delay(status(503, 10 ** 12)) ?? 0, 120_000)
  })

  it("ends after a number of retries and after a time", () => {
    assert.isDefined(delay(status(500), { attempt: 5 }))
    assert.isUndefined(delay(status(500), { attempt: 6 }))
    assert.isUndefined(delay(status(500), { elapsedMillis: Duration.toMillis("1 hour") }))
    assert.isUndefined(delay(status(500), {}, RetryPolicy.none))
  })

  it("retries once without delay if the connection was lost before the response", () => {
    const lost = new Connection({ url, reason: "reset", receivedBytes: 0, detail: "" })
    assert.strictEqual(delay(lost), 0)
    assert.isAbove(delay(lost, { attempt: 2 }) ?? 0, 0)
  })

  it("allows few and early retries for an origin that has never answered and cannot be reached", () => {
    const far = { hasAnswered: false, random: 1 }
    for (const reason of ["unknown-host", "refused", "unreachable"] as const) {
      const error = new Connection({ url, reason, receivedBytes: 0, detail: "" })
      assert.deepStrictEqual(
        [1, 2, 3].map((attempt) => delay(error, { ...far, attempt })),
        [500, 1000, undefined]
      )
      assert.isDefined(delay(error, { attempt: 5 }))
      assert.isUndefined(delay(error, { ...far, attempt: 2 }, RetryPolicy.make({ retries: 1 })))
      assert.isDefined(delay(error, { ...far, attempt: 3 }, RetryPolicy.make({ unreachableRetries: 3 })))
    }
    const late = new Timeout({ url, phase: "connect", limitMillis: 10_000, receivedBytes: 0 })
    assert.isUndefined(delay(late, { ...far, elapsedMillis: 10_000 }))
    assert.isDefined(delay(late, { elapsedMillis: 10_000 }))
    // The name may be resolved a moment later.
    const dns = new Connection({ url, reason: "dns", receivedBytes: 0, detail: "EAI_AGAIN" })
    assert.isDefined(delay(dns, { ...far, attempt: 5, elapsedMillis: 30_000 }))
  })

  it("reads times as Effect does, and undefined as the default", () => {
    const policy = RetryPolicy.make({
      retries: undefined,
      firstDelay: "2 seconds",
      longestDelay: 3000,
      within: undefined
    })
    assert.deepStrictEqual(
      [policy.retries, policy.firstDelay, policy.longestDelay, policy.within],
      [5, Duration.seconds(2), Duration.seconds(3), Duration.hours(1)]
    )
    assert.deepStrictEqual(RetryPolicy.make({}), RetryPolicy.defaults)
    const patient = RetryPolicy.make({ retries: Number.POSITIVE_INFINITY, within: Duration.infinity })
    assert.isDefined(delay(status(500), { attempt: 10_000, elapsedMillis: 10 ** 12 }, patient))
  })

  it("refuses invalid options, and names them", () => {
    for (const wrong of [Number.NaN, -1]) {
      for (const name of ["retries", "unreachableRetries"] as const) {
        assert.throws(() => RetryPolicy.make({ [name]: wrong }), `${name} must be a number of 0 or more, not ${wrong}`)
      }
      for (const name of ["firstDelay", "longestDelay", "longestWait", "within", "unreachableWithin"] as const) {
        assert.throws(() => RetryPolicy.make({ [name]: wrong }), `${name} must be a time of 0 or more, not ${wrong}`)
      }
    }
    assert.throws(
      () => RetryPolicy.make({ within: "-1 seconds" }),
      "within must be a time of 0 or more, not -1 seconds"
    )
    // A policy that was not made by `make`.
    assert.isUndefined(delay(status(500), {}, { ...RetryPolicy.defaults, retries: Number.NaN }))
  })
})
