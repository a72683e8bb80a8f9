import { assert, describe, it } from "@effect/vitest"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import * as Download from "../src/Download.js"
import * as DownloadError from "../src/DownloadError.js"
import * as DownloadEvent from "../src/DownloadEvent.js"
import * as EventLine from "../src/EventLine.js"

const request = Download.request({
  id: "7",
  url: "http://me:s3cret@a.example/b?key=s3cret",
  destination: "files/b",
  sizeBytes: 10
})

const url = "http://***@a.example/b?key=…"

const errors: ReadonlyArray<DownloadError.DownloadError> = [
  new DownloadError.Timeout({ url, phase: "stall", limitMillis: 10, receivedBytes: 3 }),
  new DownloadError.HttpStatus({ url, status: 503, retryAfterMillis: 1000 }),
  new DownloadError.Connection({ url, reason: "refused", receivedBytes: 0, detail: "" }),
  new DownloadError.Truncated({ url, expectedBytes: 3, receivedBytes: 1 }),
  new DownloadError.Truncated({ url, expectedBytes: undefined, receivedBytes: 1 }),
  new DownloadError.Protocol({ url, reason: "message", detail: "x" }),
  new DownloadError.TooLarge({ url, limitBytes: 1, bytes: 2 }),
  new DownloadError.Mismatch({ url, reason: "digest", expected: "a", actual: "b", resumed: false }),
  new DownloadError.AddressRefused({ url, address: "10.0.0.1" }),
  new DownloadError.InvalidRequest({ url, detail: "x" }),
  new DownloadError.Disk({ path: "files/b", reason: "full", detail: "" }),
  new DownloadError.Disk({ path: "files/b", reason: "exists", detail: "" })
]

const error = new DownloadError.Truncated({ url, expectedBytes: undefined, receivedBytes: 1 })

const saved = {
  request,
  destination: "files/b-2",
  bytes: 10,
  verified: "length",
  attempts: 2,
  url: "http://a.example/c?key=s3cret",
  status: 200
} as const

const outcomes: ReadonlyArray<Download.DownloadOutcome> = [
  new Download.Saved(saved),
  new Download.Saved({
    ...saved,
    url: request.url,
    mediaType: "image/gif",
    etag: '"\u2028"',
    digest: "sha256:0",
    serverName: "\n"
  }),
  new Download.Skipped({ request, reason: "verified", destination: "files/c" }),
  new Download.NotModified({ request, file: { bytes: 1 } }),
  ...errors.map((error) => new Download.Failed({ request, error, keptBytes: 3 })),
  new Download.Cancelled({ request }),
  new Download.Cancelled({ request, attempts: 2, discarded: { bytes: 70_000, reason: "no-validator" } })
]

const atMillis = 1_790_000_000_000

const exchanged = {
  request,
  atMillis,
  url,
  method: "GET",
  attempt: 1,
  offsetBytes: 0,
  bytes: 0,
  beganAtMillis: atMillis - 10,
  permitMillis: 10
}

const events: ReadonlyArray<DownloadEvent.DownloadEvent> = [
  new DownloadEvent.Exchanged({ ...exchanged, error }),
  new DownloadEvent.Exchanged({ ...exchanged, status: 302, redirectUrl: "http://a.example/c?key=s3cret" }),
  new DownloadEvent.Exchanged({
    ...exchanged,
    offsetBytes: 5,
    status: 206,
    bytes: 7,
    permitMillis: 0,
    lookupMillis: 1,
    connectMillis: 2,
    tlsMillis: 3,
    firstByteMillis: 4,
    bodyMillis: 0,
    connection: { id: 1, isReused: false, remoteAddress: "192.0.2.1:443" },
    requestHeaders: { range: "bytes=5-" },
    responseHeaders: { etag: '"1"' }
  }),
  new DownloadEvent.Started({ request, atMillis }),
  new DownloadEvent.Advanced({ request, atMillis, bytes: 3, totalBytes: 10, connections: 1 }),
  new DownloadEvent.Advanced({ request, atMillis, bytes: 3, totalBytes: undefined, connections: 4 }),
  new DownloadEvent.Responded({ request, atMillis, url, status: 302, headers: { location: "/c", "x-a": '"' } }),
  new DownloadEvent.Retrying({ request, atMillis, error, attempt: 1, delayMillis: 12.7 }),
  new DownloadEvent.Retrying({ request, atMillis, error, attempt: 1, delayMillis: 0, mirror: "http://b.example/b" }),
  new DownloadEvent.MirrorGivenUp({ request, atMillis, mirror: "http://b.example/b", error }),
  new DownloadEvent.Paused({ request, atMillis, origin: "http://a.example", pauseMillis: 99.5 }),
  ...(["origin", "overload", "pause", "rate", "concurrency", "unreachable"] as const).map(
    (obstacle) =>
      new DownloadEvent.Blocked({
        request,
        atMillis,
        origin: "http://a.example",
        obstacle,
        waitedMillis: 1000,
        ...(obstacle === "pause" ? { pauseMillis: 20 } : { limit: 2 })
      })
  ),
  new DownloadEvent.Unblocked({ request, atMillis, origin: "http://a.example", waitedMillis: 2000 }),
  ...outcomes.map((outcome) => new DownloadEvent.Finished({ outcome, atMillis }))
]

const options: EventLine.LineOptions = { indexOf: ({ id }) => Number(id), hintOf: () => "--retries N allows more" }

const report = events.reduce(
  (counts, event) => (event._tag === "Finished" ? Download.addOutcome(counts, event.outcome) : counts),
  Download.emptyReport
)

const lines: ReadonlyArray<EventLine.EventLine> = [
  EventLine.run("get", "0.2.0", 1),
  { event: "Expected", atMillis: 2, files: 3 },
  ...events.map((event) => EventLine.fromEvent(event, options)),
  EventLine.fromEvent(new DownloadEvent.Started({ request, atMillis }), { ...options, codeOf: () => "BR" }),
  ...outcomes.map((outcome) => EventLine.fromOutcome(outcome, 4, options, { list: "list", line: 3 })),
  EventLine.report(report, 12.4, 5)
]

describe("a line of --json", () => {
  const strict = Schema.decodeEither(Schema.parseJson(EventLine.EventLine), { onExcessProperty: "error" })

  it("is read by its schema, has no other fields, and is written as it was", () => {
    for (const line of lines) {
      const text = EventLine.toText(line)
      Either.getOrThrowWith(strict(text), (problem) => new Error(`${text}${problem}`))
      assert.strictEqual(EventLine.toText(Either.getOrThrow(EventLine.decode(text))), text)
      assert.strictEqual(text.indexOf("\n"), text.length - 1)
    }
  })

  it("exists for each kind in the schema", () => {
    const kindOf = (line: object) => ("outcome" in line ? line.outcome : "event" in line ? line.event : undefined)
    const kinds = EventLine.EventLine.members.map(({ fields }) =>
      "outcome" in fields ? fields.outcome.literals[0] : fields.event.literals[0]
    )
    assert.deepStrictEqual(new Set(lines.map(kindOf)), new Set(kinds))
  })

  it("has no secrets, and whole milliseconds", () => {
    const text = lines.map(EventLine.toText).join("")
    assert.notInclude(text, "s3cret")
    for (const [, name, value] of text.matchAll(/"(\w+Millis)":([^,}]+)/g)) {
      assert.match(value ?? "", /^\d+$/, name)
    }
  })

  it("has the URLs of its request and of its mirrors as they were given, if that is asked for", () => {
    const mirror = "http://b.example/b?key=m1rror"
    const withMirror = Download.request({ id: "7", url: request.url, destination: "files/b", mirrors: [mirror] })
    const shown = "http://b.example/b?key=…"
    const lineOf = (event: DownloadEvent.DownloadEvent) => EventLine.fromEvent(event, { ...options, showsUrls: true })
    const about = { request: withMirror, atMillis } as const
    for (const event of [
      new DownloadEvent.Responded({ ...about, url: request.url, status: 200, headers: {} }),
      new DownloadEvent.Retrying({ ...about, error, attempt: 1, delayMillis: 0, mirror: shown }),
      new DownloadEvent.MirrorGivenUp({ ...about, mirror: shown, error }),
      ...errors
        .filter(({ _tag }) => _tag !== "Disk")
        .map(
          (error) =>
            new DownloadEvent.Finished({ outcome: new Download.Failed({ request: withMirror, error }), atMillis })
        )
    ]) {
      const { hint: _, ...line } = { hint: "", ...lineOf(event) }
      const error = "error" in line && line.error !== undefined ? { ...line.error, message: "" } : undefined
      const text = JSON.stringify({ ...line, error })
      assert.notInclude(text, "…")
      assert.include(text, "s3cret")
      assert.strictEqual(text.includes("m1rror"), "mirror" in line)
      assert.notInclude(EventLine.toText(EventLine.fromEvent(event, options)), "s3cret")
    }
    const target = "http://c.example/?key=t4rget"
    const redirected = new DownloadError.HttpStatus({ url: "http://c.example/?key=…", status: 404 })
    const failed = new DownloadEvent.Finished({
      outcome: new Download.Failed({ request: withMirror, error: redirected }),
      atMillis
    })
    // Without an earlier event, the URL that a redirect led to is not known.
    assert.include(EventLine.toText(lineOf(failed)), redirected.url)
    const answered = new DownloadEvent.Responded({ ...about, url: target, status: 404, headers: {} })
    assert.include(EventLine.toText(lineOf(answered)), `"responseUrl":"${target}"`)
    assert.include(EventLine.toText(lineOf(failed)), `"url":"${target}"`)
    for (const event of [answered, failed]) {
      assert.notInclude(EventLine.toText(EventLine.fromEvent(event, options)), "t4rget")
    }
  })

  it("keeps fields that this version does not know", () => {
    const text = '{"event":"Expected","new":1,"atMillis":2,"files":3}\n'
    assert.strictEqual(EventLine.toText(Either.getOrThrow(EventLine.decode(text))), text)
  })

  it("is read if it is the report of a run that did not count what was not started", () => {
    const { notStarted: _, ...counts } = report
    const text = JSON.stringify({ event: "Report", atMillis: 5, elapsedMillis: 12, report: counts })
    assert.deepStrictEqual(JSON.parse(EventLine.toText(Either.getOrThrow(EventLine.decode(text)))), JSON.parse(text))
  })

  it("is refused if it is of no known kind or lacks a field", () => {
    for (const text of ["", "x", "{}", '{"event":"Other","atMillis":1}', '{"event":"Started","atMillis":1}']) {
      assert.isTrue(Either.isLeft(EventLine.decode(text)), text)
    }
  })
})
