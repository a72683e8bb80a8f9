import { assert, describe, it } from "@effect/vitest"
import { Connection, Timeout } from "../src/DownloadError.js"
import type { DownloadEvent } from "../src/DownloadEvent.js"
import * as RunRecord from "../src/RunRecord.js"
import {
  advanced,
  begin,
  blocked,
  brokenOff,
  cancelled,
  exchanged,
  failed,
  missing,
  requestTo,
  retrying,
  run,
  saved,
  started
} from "./support/recorded/recordedRun.js"

const recordOf = (events: ReadonlyArray<DownloadEvent>, options?: { readonly transfersAtMost?: number }) => {
  const record = RunRecord.make(options)
  for (const event of events) {
    record.receive(event)
  }
  return record
}

const dataOf = (events: ReadonlyArray<DownloadEvent>, options?: { readonly transfersAtMost?: number }) =>
  recordOf(events, options).data()

const a = requestTo("http://one.test/a?token=secret", "out/a")
const b = requestTo("https://two.test/b", "out/b")
const c = requestTo("http://one.test/c", "out/c")

const sum = (values: ReadonlyArray<number>) => values.reduce((one, other) => one + other, 0)

describe("RunRecord", () => {
  it("begins with nothing", () => {
    const data = RunRecord.make().data()
    assert.deepInclude(data, { elapsedMillis: 0, requests: 0, retries: 0, origins: [], failures: [] })
    assert.deepStrictEqual(data.transfers.began, [])
  })

  it("keeps why transfers have waited for permits, with the lowest limit, once for each transfer and reason", () => {
    const events = [
      started(a, 0),
      started(b, 0),
      started(c, 0),
      blocked(a, 1000, "overload", 3),
      blocked(c, 1000, "overload", 3),
      blocked(a, 6000, "overload", 2),
      blocked(b, 7000, "rate"),
      blocked(c, 8000, "pause"),
      // A transfer counts once for each reason.
      blocked(a, 9000, "disk"),
      blocked(b, 9000, "disk"),
      blocked(a, 10_000, "overload", 4)
    ]
    const { longWaits, transfers } = dataOf(events)
    assert.deepStrictEqual(longWaits, [
      { origin: "http://one.test", obstacle: "overload", limit: 2, transfers: 2 },
      { origin: "https://two.test", obstacle: "rate", limit: undefined, transfers: 1 },
      { origin: "http://one.test", obstacle: "pause", limit: undefined, transfers: 1 },
      { origin: "http://one.test", obstacle: "disk", limit: undefined, transfers: 2 }
    ])
    assert.deepStrictEqual(transfers.longWait, [0, 3, 2])
  })

  it("keeps the times, the phases and the retries of each transfer", () => {
    const broken = brokenOff(a, 1000)
    const data = dataOf([
      started(a, 0),
      started(b, 5),
      exchanged(a, {
        at: 100,
        blocked: 10,
        lookup: 5,
        connect: 15,
        wait: 30,
        receive: 40,
        bytes: 1000,
        status: 200,
        error: broken
      }),
      retrying(a, 100, 500, broken),
      exchanged(b, { began: 5, at: 105, blocked: 20, connect: 20, tls: 30, wait: 30, status: 404, error: missing(b) }),
      failed(b, 106, missing(b)),
      exchanged(a, { began: 600, at: 700, wait: 60, receive: 40, bytes: 1000, attempt: 2, status: 206 }),
      saved(a, 710, 2000)
    ])
    assert.deepInclude(data, { beganAtMillis: begin, elapsedMillis: 710, savedBytes: 2000, receivedBytes: 2000 })
    assert.deepInclude(data, { requests: 3, retries: 1, openAtMost: 2 })
    const { transfers } = data
    assert.deepStrictEqual(transfers.began, [0, 5])
    assert.deepStrictEqual(transfers.ended, [710, 106])
    assert.deepStrictEqual(
      transfers.outcome.map((outcome) => RunRecord.outcomes[outcome]),
      ["saved", "failed"]
    )
    assert.deepStrictEqual(transfers.retries, [1, 0])
    assert.deepStrictEqual(transfers.bytes, [2000, 0])
    assert.deepStrictEqual(transfers.file, ["out/a", "out/b"])
    assert.strictEqual(data.texts[transfers.error[1] ?? -1], "HTTP error 404 - Not Found")
    assert.strictEqual(data.texts[transfers.phase[1] ?? -1], "response")
    assert.deepStrictEqual(data.exchanges.transfer, [0, 1, 0])
    assert.deepStrictEqual(data.exchanges.lookup, [5, -1, -1])
    assert.deepStrictEqual(data.exchanges.tls, [-1, 30, -1])
    assert.deepStrictEqual(data.exchanges.status, [200, 404, 206])
    assert.deepStrictEqual(data.delays, {
      transfer: [0],
      began: [100],
      delay: [500],
      attempt: [1],
      error: data.delays.error
    })
    assert.strictEqual(data.texts[data.delays.error[0] ?? -1], "the body broke off after 1000 of 2000 bytes")
    assert.deepStrictEqual(data.phases, {
      permit: 30,
      lookup: 5,
      connect: 35,
      tls: 30,
      firstByte: 120,
      body: 80,
      delay: 500,
      finish: 10
    })
    assert.deepStrictEqual(
      data.origins.map(({ origin, requests }) => [origin, requests]),
      [
        ["http://one.test", 2],
        ["https://two.test", 1]
      ]
    )
  })

  it("shows URLs without secrets, unless they are asked for", () => {
    const record = recordOf([started(a, 0), saved(a, 1, 0)])
    assert.deepStrictEqual(record.data().transfers.path, ["/a?token=…"])
    assert.deepStrictEqual(record.data({ hasSecrets: true }).transfers.path, ["/a?token=secret"])
  })

  it("counts what has no outcome as unfinished, and lets it end with the record", () => {
    const data = dataOf([started(a, 0), started(b, 1), saved(b, 50, 1)])
    assert.deepInclude(data.counts, { saved: 1, unfinished: 1 })
    assert.deepStrictEqual(data.transfers.ended, [50, 50])
  })

  it("has a row for a request that was cancelled before its transfer began, and counts it as not started", () => {
    const data = dataOf([started(a, 0), cancelled(a, 5), cancelled(b, 5, 0)])
    assert.deepInclude(data.counts, { cancelled: 1, notStarted: 1 })
    assert.deepStrictEqual(data.transfers.began, [0, 5])
    assert.deepStrictEqual(
      data.transfers.outcome.map((outcome) => RunRecord.outcomes[outcome]),
      ["cancelled", "notStarted"]
    )
  })

  it("counts files that the run has not taken from its input as not started", () => {
    const record = recordOf([started(a, 0), saved(a, 1, 1), started(b, 2), cancelled(c, 5, 0)])
    assert.strictEqual(record.data().counts.notStarted, 1)
    record.expect(5)
    assert.deepInclude(record.data().counts, { saved: 1, notStarted: 3, unfinished: 1 })
    assert.strictEqual(record.data().transfers.began.length, 3)
    // Another run in the same file.
    record.expect(2)
    assert.strictEqual(record.data().counts.notStarted, 5)
  })

  it("groups failures by their reason and their phase", () => {
    const timeout = (phase: Timeout["phase"]) =>
      new Timeout({ url: "http://x.test/", phase, limitMillis: 1000, receivedBytes: 0 })
    const reset = (receivedBytes: number) =>
      new Connection({ url: "http://x.test/", reason: "reset", receivedBytes, detail: `ECONNRESET ${receivedBytes}` })
    const events = [
      exchanged(a, { at: 1, wait: 1, error: reset(0) }),
      failed(a, 1, reset(0)),
      exchanged(b, { at: 1, wait: 1, receive: 0, bytes: 7, error: reset(7) }),
      failed(b, 1, reset(7)),
      exchanged(c, { at: 1, wait: 1, receive: 0, bytes: 9, error: reset(9) }),
      failed(c, 1, reset(9))
    ]
    const d = requestTo("http://x.test/d", "d")
    const data = dataOf([
      started(a, 0),
      started(b, 0),
      started(c, 0),
      ...events,
      started(d, 0),
      failed(d, 2, timeout("headers"))
    ])
    assert.deepStrictEqual(data.failures, [
      { reason: "the connection was lost", phase: "body", count: 2 },
      { reason: "the connection was lost", phase: "first byte", count: 1 },
      { reason: "timed out after 1s waiting for the response headers", phase: "first byte", count: 1 }
    ])
  })

  it("counts the requests that are open, not the transfers that wait for a permit or a retry", () => {
    const requests = Array.from({ length: 50 }, (_, index) => requestTo(`http://x.test/${index}`, `${index}`))
    const data = dataOf([
      ...requests.map((request) => started(request, 0)),
      ...requests.flatMap((request, index) => {
        const blocked = 100 * Math.floor(index / 2)
        const at = blocked + 100
        const error = brokenOff(request, 1)
        return [exchanged(request, { at, blocked, wait: 100, error }), retrying(request, at, 60_000, error)]
      }),
      ...requests.map((request) => cancelled(request, 2600))
    ])
    assert.strictEqual(data.openAtMost, 2)
    assert.strictEqual(sum(data.timeline.openMillis), 50 * 100)
    assert.strictEqual(sum(data.timeline.openMillis.slice(2500)), 0)
  })

  it("counts the requests of a killed run while their bytes arrive", () => {
    const data = dataOf([
      started(a, 0),
      started(b, 0),
      started(c, 0),
      advanced(a, 100, 1),
      advanced(b, 200, 1),
      advanced(a, 300, 2),
      advanced(b, 400, 2)
    ])
    assert.strictEqual(data.openAtMost, 2)
    assert.strictEqual(sum(data.timeline.openMillis), 400)
  })

  it("puts bytes and open requests into the time in which they were", () => {
    const data = dataOf([
      started(a, 0),
      advanced(a, 100, 0),
      advanced(a, 300, 2000),
      started(b, 300),
      exchanged(a, { at: 500, wait: 100, receive: 400, bytes: 3000, status: 200 }),
      saved(a, 500, 3000),
      exchanged(b, { began: 250, at: 600, blocked: 50, wait: 300, status: 200 }),
      saved(b, 600, 0)
    ])
    const { bytes, intervalMillis, openMillis } = data.timeline
    const between = (values: ReadonlyArray<number>, from: number, to: number) =>
      sum(values.slice(from / intervalMillis, to / intervalMillis))
    assert.strictEqual(intervalMillis, 1)
    assert.strictEqual(sum(bytes), 3000)
    assert.strictEqual(between(bytes, 0, 100), 0)
    assert.isAtLeast(between(bytes, 100, 300), 2000)
    assert.strictEqual(between(openMillis, 0, 300), 300)
    assert.strictEqual(between(openMillis, 300, 500), 400)
    assert.strictEqual(between(openMillis, 500, 600), 100)
  })

  it("counts no bytes that an earlier process has received", () => {
    const data = dataOf([
      started(a, 0),
      advanced(a, 100, 50_000),
      advanced(a, 200, 50_500),
      exchanged(a, { at: 300, wait: 100, receive: 200, bytes: 1000, status: 206 }),
      saved(a, 300, 51_000)
    ])
    assert.strictEqual(sum(data.timeline.bytes), 1000)
  })

  it("joins the intervals of a long run, and keeps their sums", () => {
    const requests = Array.from({ length: 200 }, (_, index) => requestTo(`http://x.test/${index}`, `${index}`))
    const data = dataOf(
      requests.flatMap((request, index) => [
        started(request, index * 10_000),
        exchanged(request, {
          began: index * 10_000,
          at: index * 10_000 + 5000,
          receive: 5000,
          bytes: 700,
          status: 200
        }),
        saved(request, index * 10_000 + 5000, 700)
      ])
    )
    assert.isAtMost(data.timeline.bytes.length, 4096)
    assert.strictEqual(data.timeline.intervalMillis * data.timeline.bytes.length >= data.elapsedMillis, true)
    assert.strictEqual(sum(data.timeline.bytes), 200 * 700)
    assert.strictEqual(sum(data.timeline.openMillis), 200 * 5000)
    assert.strictEqual(sum(data.timeline.ended), 200)
  })

  it("keeps rows of failed and of slow transfers when the tables are full, and counts all", () => {
    const slow = requestTo("http://slow.test/slow", "slow")
    const events = [started(slow, 10_000), saved(slow, 100_000, 5)]
    const data = dataOf([...run(400), ...events], { transfersAtMost: 10 })
    assert.strictEqual(sum(Object.values(data.counts)), 401)
    assert.strictEqual(data.counts.failed, 40)
    const rows = data.transfers.began.length
    assert.strictEqual(rows, 10 + 39 + 100)
    const failures = data.transfers.outcome.filter((outcome) => RunRecord.outcomes[outcome] === "failed")
    assert.strictEqual(failures.length, 40)
    assert.include(data.transfers.path, "/slow")
    assert.isAtMost(data.exchanges.transfer.length, 40)
    assert.strictEqual(data.requests, sum(run(400).map(({ _tag }) => (_tag === "Exchanged" ? 1 : 0))))
    assert.strictEqual(sum(data.timeline.ended), 401)
  })

  it("gives the last request of a late row the origin that it was sent to", () => {
    const url = "https://two.test/moved"
    const data = dataOf(
      [
        started(c, 0),
        started(a, 0),
        exchanged(a, { at: 5, status: 302 }),
        exchanged(a, { began: 5, at: 9, status: 404, url, error: missing(a) }),
        failed(a, 10, missing(a))
      ],
      { transfersAtMost: 1 }
    )
    const origins = data.origins.map(({ origin }) => origin)
    assert.deepStrictEqual(origins, ["http://one.test", "https://two.test"])
    assert.deepStrictEqual(data.transfers.origin, [0, 0])
    assert.deepStrictEqual(data.exchanges.origin, [1])
  })

  it("keeps a bounded number of origins and texts", () => {
    const requests = Array.from({ length: 1500 }, (_, index) => requestTo(`http://h${index}.test/`, `${index}`))
    const data = dataOf(
      requests.flatMap((request, index) => [started(request, index), failed(request, index, brokenOff(request, index))])
    )
    assert.strictEqual(data.origins.length, 1001)
    assert.deepInclude(data.origins[1000]?.counts, { failed: 500 })
    assert.strictEqual(data.failures.length, 1)
  })
})
