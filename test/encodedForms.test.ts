/**
 * Other programs read the encoded forms: a change of one line here is a change for all of them.
 */
import { inspect } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/TestClock"
import * as Download from "../src/Download.js"
import * as DownloadError from "../src/DownloadError.js"
import * as DownloadEvent from "../src/DownloadEvent.js"
import * as Journal from "../src/Journal.js"

const url = "https://user:secret@files.test/br.gif?sig=secret&page=2#secret"

const plain = Download.request({ id: "BR", url: "https://files.test/br.gif", destination: "flags/br.gif" })

const full = Download.request({
  url,
  destination: "flags/br.gif",
  timeout: "5 seconds",
  deadline: Number.POSITIVE_INFINITY,
  connectTimeout: "2 seconds",
  headersTimeout: "3 seconds",
  stall: { bytes: 1000, within: "30 seconds" },
  onExists: "unique",
  headers: { authorization: "secret" },
  digest: `sha256:${"0".repeat(64)}`,
  mirrors: ["https://user:secret@mirror.test/br.gif?sig=secret"],
  sizeBytes: 7,
  limitBytes: 8,
  mediaType: "image/*",
  resume: true,
  continue: true
})

const plainJson = {
  id: "BR",
  url: "https://files.test/br.gif",
  destination: "br.gif",
  timeout: 3_600_000,
  onExists: "fail"
}

const fullJson = {
  id: "https://***@files.test/br.gif?sig=…&page=…",
  url: "https://***@files.test/br.gif?sig=…&page=…",
  destination: "br.gif",
  timeout: 5000,
  deadline: "Infinity",
  connectTimeout: 2000,
  headersTimeout: 3000,
  stall: { bytes: 1000, within: 30_000 },
  onExists: "unique",
  headers: { authorization: "…" },
  digest: `sha256:${"0".repeat(64)}`,
  mirrors: ["https://***@mirror.test/br.gif?sig=…"],
  sizeBytes: 7,
  limitBytes: 8,
  mediaType: "image/*",
  resume: true,
  continue: true
}

const shown = "https://***@files.test/br.gif?sig=…&page=…"

const errors: ReadonlyArray<readonly [DownloadError.DownloadError, object]> = [
  [
    new DownloadError.Timeout({ url, phase: "stall", limitMillis: 60_000, receivedBytes: 3 }),
    { _tag: "Timeout", url: shown, phase: "stall", limitMillis: 60_000, receivedBytes: 3 }
  ],
  [
    new DownloadError.HttpStatus({ url, status: 429, retryAfterMillis: 1000 }),
    { _tag: "HttpStatus", url: shown, status: 429, retryAfterMillis: 1000 }
  ],
  [new DownloadError.HttpStatus({ url, status: 404 }), { _tag: "HttpStatus", url: shown, status: 404 }],
  [
    new DownloadError.Connection({ url, reason: "tls", receivedBytes: 0, detail: "CERT_HAS_EXPIRED" }),
    { _tag: "Connection", url: shown, reason: "tls", receivedBytes: 0, detail: "CERT_HAS_EXPIRED" }
  ],
  [
    new DownloadError.Truncated({ url, expectedBytes: 7, receivedBytes: 3 }),
    { _tag: "Truncated", url: shown, expectedBytes: 7, receivedBytes: 3 }
  ],
  [
    new DownloadError.Truncated({ url, expectedBytes: undefined, receivedBytes: 3 }),
    { _tag: "Truncated", url: shown, receivedBytes: 3 }
  ],
  [
    new DownloadError.Protocol({ url, reason: "range", detail: "bytes 0-1/2" }),
    { _tag: "Protocol", url: shown, reason: "range", detail: "bytes 0-1/2" }
  ],
  [
    new DownloadError.TooLarge({ url, limitBytes: 7, bytes: 8 }),
    { _tag: "TooLarge", url: shown, limitBytes: 7, bytes: 8 }
  ],
  [
    new DownloadError.Mismatch({ url, reason: "type", expected: "image/gif", actual: "text/html", resumed: false }),
    { _tag: "Mismatch", url: shown, reason: "type", expected: "image/gif", actual: "text/html", resumed: false }
  ],
  [
    new DownloadError.AddressRefused({ url, address: "127.0.0.1" }),
    { _tag: "AddressRefused", url: shown, address: "127.0.0.1" }
  ],
  [
    new DownloadError.InvalidRequest({ url, detail: "it is not a valid URL" }),
    { _tag: "InvalidRequest", url: shown, detail: "it is not a valid URL" }
  ],
  [
    new DownloadError.Disk({ path: "/srv/flags/br.gif", reason: "exists", detail: "" }),
    { _tag: "Disk", path: "br.gif", reason: "exists", detail: "" }
  ],
  [
    new DownloadError.Disk({ path: "/srv/flags/br.gif", reason: "full", detail: "ENOSPC" }),
    { _tag: "Disk", path: "br.gif", reason: "full", detail: "ENOSPC" }
  ]
]

const [error, errorJson] = errors[2] ?? assert.fail()

const outcomes: ReadonlyArray<readonly [Download.DownloadOutcome, object]> = [
  [
    new Download.Saved({
      request: plain,
      destination: "flags/br-2.gif",
      bytes: 7,
      verified: "length",
      attempts: 2,
      url,
      status: 200,
      mediaType: "image/gif"
    }),
    {
      _tag: "Saved",
      request: plainJson,
      destination: "br-2.gif",
      bytes: 7,
      verified: "length",
      attempts: 2,
      url: shown,
      status: 200,
      mediaType: "image/gif"
    }
  ],
  [
    new Download.Skipped({ request: plain, reason: "exists" }),
    { _tag: "Skipped", request: plainJson, reason: "exists" }
  ],
  [
    new Download.NotModified({ request: plain, file: { bytes: 5, modifiedMillis: 1, etag: '"1"' } }),
    { _tag: "NotModified", request: plainJson, file: { bytes: 5, modifiedMillis: 1, etag: '"1"' } }
  ],
  [new Download.Failed({ request: full, error: error }), { _tag: "Failed", request: fullJson, error: errorJson }],
  [new Download.Cancelled({ request: full }), { _tag: "Cancelled", request: fullJson }]
]

const [outcome, outcomeJson] = outcomes[0] ?? assert.fail()

const exchanged = {
  atMillis: 7,
  method: "GET",
  attempt: 2,
  offsetBytes: 1,
  status: 206,
  bytes: 3,
  beganAtMillis: 1,
  permitMillis: 1,
  lookupMillis: 1,
  connectMillis: 1,
  tlsMillis: 1,
  firstByteMillis: 1,
  bodyMillis: 1,
  connection: { id: 1, isReused: false, remoteAddress: "192.0.2.1:443" }
}

const events: ReadonlyArray<readonly [DownloadEvent.DownloadEvent, object]> = [
  [new DownloadEvent.Started({ request: plain, atMillis: 7 }), { _tag: "Started", request: plainJson, atMillis: 7 }],
  [
    new DownloadEvent.Advanced({ request: full, atMillis: 7, bytes: 3, totalBytes: 7, connections: 2 }),
    { _tag: "Advanced", request: fullJson, atMillis: 7, bytes: 3, totalBytes: 7, connections: 2 }
  ],
  [
    new DownloadEvent.Advanced({ request: plain, atMillis: 7, bytes: 3, totalBytes: undefined, connections: 1 }),
    { _tag: "Advanced", request: plainJson, atMillis: 7, bytes: 3, connections: 1 }
  ],
  [
    new DownloadEvent.Retrying({ request: plain, atMillis: 7, error, attempt: 1, delayMillis: 500 }),
    { _tag: "Retrying", request: plainJson, atMillis: 7, error: errorJson, attempt: 1, delayMillis: 500 }
  ],
  [
    new DownloadEvent.Responded({ request: plain, atMillis: 7, url: shown, status: 200, headers: { etag: '"1"' } }),
    { _tag: "Responded", request: plainJson, atMillis: 7, url: shown, status: 200, headers: { etag: '"1"' } }
  ],
  [
    new DownloadEvent.Exchanged({
      request: plain,
      ...exchanged,
      url: shown,
      error,
      requestHeaders: { range: "bytes=1-" }
    }),
    {
      _tag: "Exchanged",
      request: plainJson,
      ...exchanged,
      url: shown,
      error: errorJson,
      requestHeaders: { range: "bytes=1-" }
    }
  ],
  [
    new DownloadEvent.MirrorGivenUp({ request: plain, atMillis: 7, mirror: "https://***@mirror.test/br.gif", error }),
    {
      _tag: "MirrorGivenUp",
      request: plainJson,
      atMillis: 7,
      mirror: "https://***@mirror.test/br.gif",
      error: errorJson
    }
  ],
  [
    new DownloadEvent.Paused({ request: plain, atMillis: 7, origin: "https://files.test", pauseMillis: 2000 }),
    { _tag: "Paused", request: plainJson, atMillis: 7, origin: "https://files.test", pauseMillis: 2000 }
  ],
  [
    new DownloadEvent.Blocked({
      request: plain,
      atMillis: 7,
      origin: "https://files.test",
      obstacle: "pause",
      pauseMillis: 2000,
      waitedMillis: 1000
    }),
    {
      _tag: "Blocked",
      request: plainJson,
      atMillis: 7,
      origin: "https://files.test",
      obstacle: "pause",
      pauseMillis: 2000,
      waitedMillis: 1000
    }
  ],
  [
    new DownloadEvent.Unblocked({
      request: plain,
      atMillis: 7,
      origin: "https://files.test",
      waitedMillis: 1500
    }),
    {
      _tag: "Unblocked",
      request: plainJson,
      atMillis: 7,
      origin: "https://files.test",
      waitedMillis: 1500
    }
  ],
  [new DownloadEvent.Finished({ atMillis: 7, outcome }), { _tag: "Finished", atMillis: 7, outcome: outcomeJson }]
]

const isWithSecrets = (schema: object): boolean => schema === Download.DownloadRequestWithSecrets

const golden = <A, I>(schema: Schema.Schema<A, I>, cases: ReadonlyArray<readonly [A, object]>): void => {
  const json = Schema.parseJson(schema)
  const tags = new Set<unknown>()
  for (const [value, expected] of cases) {
    const text = Schema.encodeSync(json)(value)
    assert.deepStrictEqual(JSON.parse(text), expected)
    assert.deepStrictEqual(JSON.parse(Schema.encodeSync(json)(Schema.decodeSync(json)(text))), expected)
    // Without a schema, as a logger prints it, it is the same.
    if (!isWithSecrets(schema)) {
      assert.deepStrictEqual(JSON.parse(JSON.stringify(value)), expected)
      assert.notInclude(inspect(value, { depth: 9, showHidden: true }), "secret")
    }
    tags.add("_tag" in expected ? expected._tag : undefined)
  }
  // Every class is tested; a refinement of a class is not a separate class.
  const members = schema.ast._tag === "Union" ? schema.ast.types : [schema.ast]
  assert.strictEqual(tags.size, members.filter(({ _tag }) => _tag !== "Refinement").length)
}

describe("the encoded form", () => {
  it("of requests", () => {
    golden(Download.DownloadRequestShown, [
      [plain, plainJson],
      [full, fullJson]
    ])
    assert.deepStrictEqual(JSON.parse(Schema.encodeSync(Schema.parseJson(Download.DownloadRequest))(full)), fullJson)
  })

  it("of requests, with their secrets", () => {
    golden(Download.DownloadRequestWithSecrets, [
      [plain, { ...plainJson, destination: "flags/br.gif" }],
      [
        full,
        {
          ...fullJson,
          url,
          destination: "flags/br.gif",
          headers: { authorization: "secret" },
          mirrors: ["https://user:secret@mirror.test/br.gif?sig=secret"]
        }
      ]
    ])
  })

  it("of errors", () => golden(DownloadError.DownloadError, errors))

  it("of outcomes", () => golden(Download.DownloadOutcome, outcomes))

  it("of events", () => golden(DownloadEvent.DownloadEvent, events))

  it.effect("of a journal's entries", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(1_790_000_000_000)
      const encoded = yield* Effect.forEach(outcomes, ([one]) =>
        Effect.map(Journal.entryOf(one), Schema.encodeSync(Schema.parseJson(Journal.Entry)))
      )
      const at = { atMillis: 1_790_000_000_000 }
      // SHA-256 of the URLs without credentials and fragment, by another program.
      const brazil = {
        id: "BR",
        url: "https://files.test/br.gif",
        urlKey: "ef31354cfbd688af9988c1ae80d9432949bb6dbd3b25bbf5339285161e3f814c"
      }
      const secret = {
        id: shown,
        url: shown,
        urlKey: "dd145e394675b31bd95eb0f7df06749b9bb6c99d4cacdb4c73eae5e433b019a7"
      }
      const destination = "flags/br.gif"
      assert.deepStrictEqual(
        encoded.map((text): unknown => JSON.parse(text)),
        [
          { ...brazil, destination: "flags/br-2.gif", outcome: "Saved", bytes: 7, finalUrl: shown, ...at },
          { ...brazil, destination, outcome: "Skipped", reason: "exists", ...at },
          { ...brazil, destination, outcome: "NotModified", bytes: 5, modifiedMillis: 1, etag: '"1"', ...at },
          { ...secret, destination, outcome: "Failed", error: errorJson, ...at },
          { ...secret, destination, outcome: "Cancelled", ...at }
        ]
      )
    })
  )
})
