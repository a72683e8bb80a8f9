import { inspect } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as FastCheck from "effect/FastCheck"
import * as Schema from "effect/Schema"
import * as TestContext from "effect/TestContext"
import * as Tracer from "effect/Tracer"
import * as Download from "../src/Download.js"
import * as DownloadError from "../src/DownloadError.js"
import * as DownloadEvent from "../src/DownloadEvent.js"
import * as Downloader from "../src/Downloader.js"
import * as EventLine from "../src/EventLine.js"
import { displayUrl } from "../src/internal/text/displayUrl.js"
import { MemoryEntries } from "../src/Journal/Memory.js"
import * as Journal from "../src/Journal.js"
import * as Progress from "../src/Progress.js"
import { autoAdvance } from "../src/testing/autoAdvance.js"
import * as Origin from "../src/testing/Origin.js"
import { layer } from "../src/testing.js"

const marker = "s3cr3tMarker"

// Typical secrets: plain, padded as Base64, with separator characters.
const secret = FastCheck.constantFrom(
  marker,
  `${marker}==`,
  `a${marker}`,
  `${marker}:x`,
  `${marker},http:`,
  `x-${marker}`
)

const maybe = (text: FastCheck.Arbitrary<string>): FastCheck.Arbitrary<string> =>
  FastCheck.oneof(FastCheck.constant(""), text)

const credentials = maybe(
  FastCheck.oneof(
    secret.map((one) => `${encodeURIComponent(one)}@`),
    secret.map((one) => `user:${one.replace(":x", "")}@`),
    secret.map((one) => `user:a/${one}@`)
  )
)

const query = maybe(
  FastCheck.array(
    FastCheck.oneof(
      secret,
      secret.map((one) => `token=${one}`),
      secret.map((one) => `X-Amz-Signature=${one}`),
      secret.map((one) => `a=${one};b=${one}`),
      FastCheck.constant("page=2")
    ),
    { minLength: 1, maxLength: 3 }
  ).map((parts) => `?${parts.join("&")}`)
)

// The first three are URLs, most of the others are not.
const url = FastCheck.record({
  scheme: FastCheck.constantFrom("http://", "https://", "HTTPS://", "ftp://", "//", ""),
  credentials,
  host: FastCheck.constantFrom("origin.test", "origin.test:8080", "origin.test:bad", "[::1]", "[bad"),
  path: FastCheck.oneof(
    FastCheck.constantFrom("", "/", "/a/b.gif"),
    secret.map((one) => `/a;jsessionid=${one.replaceAll("/", "")}/b`)
  ),
  query,
  fragment: maybe(secret.map((one) => `#${one}`))
}).map((parts) => parts.scheme + parts.credentials + parts.host + parts.path + parts.query + parts.fragment)

const withScheme = url.filter((text) => /^https?:\/\//i.test(text))

const request: FastCheck.Arbitrary<Download.DownloadRequest> = FastCheck.record({
  url,
  id: FastCheck.option(
    FastCheck.oneof(
      withScheme,
      withScheme.map((one) => `the file at ${one}`),
      secret.map((one) => `origin.test/path#${one}`),
      secret.map((one) => `the file at origin.test#token=${one}`)
    ),
    { nil: undefined }
  ),
  destination: FastCheck.oneof(
    FastCheck.constantFrom("out.gif", "/srv/files/out.gif"),
    withScheme.map((one) => one.replace(/#.*/, "")),
    secret.map((one) => `out/user:${one}@host`),
    secret.map((one) => `out/list.php?sig=${one}`),
    secret.map((one) => `out/list.php#sig=${one}`)
  ),
  headers: FastCheck.dictionary(FastCheck.constantFrom("authorization", "cookie", "x-api-key"), secret)
}).map(Download.request)

const errors = (text: string): ReadonlyArray<DownloadError.DownloadError> => [
  new DownloadError.Timeout({ url: text, phase: "headers", limitMillis: 1, receivedBytes: 0 }),
  new DownloadError.Connection({ url: text, reason: "other", receivedBytes: 0, detail: `cannot reach ${text}` }),
  new DownloadError.Mismatch({ url: text, reason: "type", expected: text, actual: text, resumed: false }),
  new DownloadError.InvalidRequest({ url: text, detail: `no: "${text}"` }),
  new DownloadError.Disk({ path: text, reason: "other", detail: `${text}: open '${text}'` })
]

const outcomes = (one: Download.DownloadRequest, text: string): ReadonlyArray<Download.DownloadOutcome> => [
  new Download.Saved({
    request: one,
    destination: one.destination,
    bytes: 1,
    verified: "length",
    attempts: 1,
    url: text,
    status: 200
  }),
  new Download.Skipped({ request: one, reason: "exists" }),
  new Download.NotModified({ request: one, file: { bytes: 1, url: displayUrl(one.url) } }),
  new Download.Cancelled({ request: one }),
  ...errors(text).map((error) => new Download.Failed({ request: one, error }))
]

const events = (one: Download.DownloadRequest, text: string): ReadonlyArray<DownloadEvent.DownloadEvent> => [
  new DownloadEvent.Started({ request: one, atMillis: 0 }),
  new DownloadEvent.Advanced({ request: one, atMillis: 0, bytes: 1, totalBytes: undefined, connections: 1 }),
  ...errors(text).map(
    (error) => new DownloadEvent.Retrying({ request: one, atMillis: 0, error, attempt: 1, delayMillis: 1 })
  ),
  ...errors(text).map(
    (error) =>
      new DownloadEvent.Exchanged({
        request: one,
        atMillis: 1,
        url: text,
        method: "GET",
        attempt: 1,
        offsetBytes: 0,
        bytes: 0,
        error,
        beganAtMillis: 0,
        permitMillis: 1
      })
  ),
  new DownloadEvent.Responded({ request: one, atMillis: 0, url: text, status: 404, headers: {} }),
  ...errors(text).map(
    (error) => new DownloadEvent.MirrorGivenUp({ request: one, atMillis: 0, mirror: displayUrl(text), error })
  ),
  ...outcomes(one, text).map((outcome) => new DownloadEvent.Finished({ atMillis: 0, outcome }))
]

const lineOptions: EventLine.LineOptions = { indexOf: () => 1 }

const isWithout = (what: string, text: string): void => assert.notInclude(text, marker, what)

const printed = (what: string, value: unknown): void => {
  isWithout(`${what} as JSON`, JSON.stringify(value) ?? "")
  isWithout(`${what} as text`, String(value))
  isWithout(`${what} inspected`, inspect(value, { depth: 20, showHidden: true }))
}

const encoded = <A, I>(schema: Schema.Schema<A, I>, value: A): void => {
  const once = Schema.encodeSync(schema)(value)
  isWithout("encoded", JSON.stringify(once))
  // The result can be decoded whatever was removed, and encoding it again removes nothing more.
  const there = Schema.decodeUnknownSync(schema)(JSON.parse(JSON.stringify(once)))
  assert.deepStrictEqual(JSON.parse(JSON.stringify(Schema.encodeSync(schema)(there))), JSON.parse(JSON.stringify(once)))
}

describe("secrets", () => {
  it("are absent from the encoded and the printed forms of requests, outcomes and events", () => {
    FastCheck.assert(
      FastCheck.property(request, withScheme, (one, text) => {
        isWithout("encoded request", JSON.stringify(Schema.encodeSync(Download.DownloadRequest)(one)))
        encoded(Download.DownloadRequestShown, one)
        printed("request", one)
        for (const outcome of outcomes(one, text)) {
          encoded(Download.DownloadOutcome, outcome)
          printed(outcome._tag, outcome)
        }
        for (const error of errors(text)) {
          printed(error._tag, error)
        }
        for (const event of events(one, text)) {
          encoded(DownloadEvent.DownloadEvent, event)
          printed(event._tag, event)
          // Lines that show URLs leave nothing behind for those that do not.
          EventLine.fromEvent(event, { ...lineOptions, showsUrls: true })
          isWithout(
            `the line of ${event._tag}`,
            JSON.stringify({ ...EventLine.fromEvent(event, lineOptions), file: "" })
          )
        }
      }),
      { numRuns: 200 }
    )
  })

  it.effect("are absent from the events, journal entries, spans and errors of a download", () =>
    Effect.promise(() =>
      FastCheck.assert(
        FastCheck.asyncProperty(
          request,
          withScheme,
          FastCheck.constantFrom<(location: string) => Origin.Reply>(
            () => ({ body: "content", headers: { "content-length": "7" } }),
            () => ({ status: 404 }),
            (location) => ({ status: 302, headers: { location } }),
            () => ({ instead: "refused" }),
            () => ({ body: "content", headers: { "content-length": "7" }, breakAt: { bytes: 3, how: "close" } }),
            () => ({ body: "content", headers: { "content-length": "-7" } })
          ),
          (one, location, reply) => Effect.runPromise(tellsNothing(one, () => reply(location)))
        ),
        { numRuns: 100 }
      )
    )
  )

  it("are absent from the error messages of requests that decoding refuses", () => {
    FastCheck.assert(
      FastCheck.property(
        request,
        FastCheck.constantFrom("url" as const, "destination" as const, "headers" as const, "id" as const),
        (one, field) => {
          const whole = Schema.encodeSync(Download.DownloadRequestWithSecrets)(one)
          for (const wrong of [
            whole,
            { ...whole, [field]: [whole[field]] },
            { ...whole, headers: { "a b": marker } }
          ]) {
            const exit = Effect.runSyncExit(Schema.decodeUnknown(Download.DownloadRequest)(wrong))
            if (Exit.isFailure(exit)) {
              isWithout("why it cannot be decoded", Cause.pretty(exit.cause) + inspect(exit, { depth: 3 }))
            }
          }
        }
      )
    )
  })

  it("are all encoded by DownloadRequestWithSecrets", () => {
    const schema = Schema.parseJson(Download.DownloadRequestWithSecrets)
    const one = Download.request({
      url: `https://user:${marker}@origin.test/a?sig=${marker}&${marker}#${marker}`,
      destination: "/srv/files/a",
      timeout: Number.POSITIVE_INFINITY,
      headers: { authorization: `Bearer ${marker}` },
      limitBytes: Number.POSITIVE_INFINITY,
      sizeBytes: 3,
      mediaType: "image/gif",
      digest: `sha256:${"0".repeat(64)}`
    })
    const there = Schema.decodeSync(schema)(Schema.encodeSync(schema)(one))
    assert.isTrue(Schema.equivalence(Schema.typeSchema(Download.DownloadRequest))(there, one))
    assert.deepStrictEqual(there, one)
  })

  it("make decoding fail if they were removed, but a … of the URL itself does not", () => {
    const decodes = (url: string) =>
      Either.isRight(Schema.decodeUnknownEither(Download.DownloadRequest)({ url, destination: "a" }))
    FastCheck.assert(
      FastCheck.property(withScheme, FastCheck.constantFrom("", `&a=${marker}`, "&b=1".repeat(2000)), (text, more) => {
        const shown = Schema.encodeSync(Download.DownloadRequest)(
          Download.request({ url: text.includes("?") ? text.replace(/(#.*)?$/, `${more}$1`) : text, destination: "a" })
        ).url
        if (/\*\*\*@|…/.test(shown)) {
          assert.isFalse(decodes(shown), shown)
        }
      })
    )
    for (const url of [
      "https://origin.test/?a=…&b=1",
      "https://origin.test/?b=1&a=…",
      "https://origin.test/?a=…#b",
      "https://origin.test/?a=%E2%80%A6",
      "https://origin.test/…/a?b=…&c=2",
      "https://***:password@origin.test/"
    ]) {
      assert.isTrue(decodes(url), url)
    }
  })

  it.effect("make a download fail before it sends a request if they were removed", () =>
    Effect.gen(function* () {
      const downloader = yield* Downloader.Downloader
      for (const one of [
        Download.request({ url: `https://origin.test/a?sig=${marker}`, destination: "a" }),
        Download.request({ url: `https://user:${marker}@origin.test/a`, destination: "a" }),
        Download.request({ url: "https://origin.test/a", destination: "a", headers: { cookie: marker } })
      ]) {
        const encodedForm = Schema.encodeSync(Download.DownloadRequest)(one)
        assert.isTrue(Exit.isFailure(Effect.runSyncExit(Schema.decode(Download.DownloadRequest)(encodedForm))))
        const shown = Schema.decodeSync(Download.DownloadRequestShown)(encodedForm)
        const error = yield* Effect.flip(downloader.download(shown))
        assert.strictEqual(error._tag, "InvalidRequest")
        assert.include(error.message, "DownloadRequestWithSecrets")
      }
      assert.lengthOf((yield* Origin.Origin).requests(), 0)
    }).pipe(Effect.provide(layer(() => ({ body: "" }))))
  )
})

const tellsNothing = (one: Download.DownloadRequest, script: () => Origin.Reply): Effect.Effect<void> =>
  Effect.gen(function* () {
    const spans: Array<string> = []
    const tracer = Tracer.make({
      context: (execute) => execute(),
      span: (name, parent, context, links, startTime, kind) => {
        const attributes = new Map<string, unknown>()
        const note = (...values: ReadonlyArray<unknown>) =>
          spans.push(...values.map((value) => inspect(value, { depth: 9 })))
        return {
          _tag: "Span",
          name,
          spanId: "1",
          traceId: "1",
          parent,
          context,
          links,
          sampled: true,
          status: { _tag: "Started", startTime },
          attributes,
          kind,
          attribute: (key, value) => note(key, value),
          event: (event, _, values) => note(event, values),
          addLinks: () => {},
          end: (_, exit) => note(Exit.isFailure(exit) ? Cause.pretty(exit.cause) : "")
        }
      }
    })
    const downloader = yield* Downloader.Downloader
    const exit = yield* Effect.exit(autoAdvance(downloader.download(one))).pipe(Effect.withTracer(tracer))
    if (Exit.isFailure(exit)) {
      isWithout("what it fails with", Cause.pretty(exit.cause) + inspect(exit, { depth: 20 }) + JSON.stringify(exit))
    }
    assert.isAbove(spans.length, 0)
    isWithout("spans", spans.join("\n"))
    for (const event of yield* (yield* Progress.Recorded).events) {
      printed(event._tag, event)
      encoded(DownloadEvent.DownloadEvent, event)
    }
    for (const entry of yield* (yield* MemoryEntries).entries) {
      const { destination, ...rest } = Schema.encodeSync(Journal.Entry)(entry)
      assert.strictEqual(destination, one.destination)
      isWithout("journal", JSON.stringify(rest))
    }
  }).pipe(Effect.provide(layer(script)), Effect.provide(TestContext.TestContext))
