/**
 * Redirects, and requests whose URLs, headers or digests are refused.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { DownloadError } from "../../src/DownloadError.js"
import * as Progress from "../../src/Progress.js"
import * as RetryPolicy from "../../src/RetryPolicy.js"
import { autoAdvance, layer, Origin } from "../../src/testing.js"
import { body, download, url } from "../support/transport/hostileRow.js"

describe("redirects, on the simulated origin", () => {
  const redirecting = (locations: Readonly<Record<string, string | undefined>>) =>
    layer(
      (asked) => {
        const to = locations[asked.url]
        return asked.url in locations
          ? { status: 302, headers: to === undefined ? {} : { location: to } }
          : Origin.file(asked, body)
      },
      { retry: RetryPolicy.none }
    )

  it.effect("follows relative and absolute ones", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* autoAdvance(download("https://a.test/x")))._tag, "Saved")
      assert.deepStrictEqual(
        (yield* Origin.Origin).requests().map((asked) => asked.url),
        ["https://a.test/x", "https://a.test/y?z", "https://b.test/"]
      )
    }).pipe(Effect.provide(redirecting({ "https://a.test/x": "y?z", "https://a.test/y?z": "//b.test" })))
  )

  it.effect("follows a Location in UTF-8 as the bytes that it was sent in", () =>
    Effect.gen(function* () {
      yield* Effect.ignore(autoAdvance(download("https://a.test/x")))
      const asked = (yield* Origin.Origin).requests().map(({ url }) => url)
      assert.deepStrictEqual(asked, ["https://a.test/x", "https://a.test/f/%C3%A9"])
    }).pipe(Effect.provide(redirecting({ "https://a.test/x": "/f/\u00c3\u00a9" })))
  )

  for (const [what, location, reason] of [
    ["a loop", "https://a.test/x", "redirect-loop"],
    ["no Location", undefined, "redirect-location"],
    ["a bad Location", "http://[", "redirect-location"],
    ["a Location whose host is too long", `http://${"a".repeat(254)}/`, "redirect-location"],
    ["from https to http", "http://a.test/x", "redirect-refused"],
    ["to file:", "file:///etc/passwd", "redirect-refused"],
    ["to data:", "data:,a", "redirect-refused"],
    ["to ftp:", "ftp://a.test/x", "redirect-refused"]
  ] as const) {
    it.effect(`refuses ${what}`, () =>
      Effect.gen(function* () {
        const error = yield* autoAdvance(Effect.flip(download("https://a.test/x")))
        assert.deepInclude(error, { _tag: "Protocol", reason })
        assert.isAtMost((yield* Origin.Origin).requests().length, 11)
      }).pipe(Effect.provide(redirecting({ "https://a.test/x": location })))
    )
  }

  it.effect("tells no other host, port or scheme what was given for the first origin, and not on the way back", () =>
    Effect.gen(function* () {
      const secrets = { Authorization: "Bearer s3cret", Cookie: "s3cret", "X-Api-Key": Redacted.make("s3cret") }
      yield* autoAdvance(download("http://a.test/1", { headers: secrets }))
      const told = (yield* Origin.Origin)
        .requests()
        .map(
          (asked) => ["authorization", "cookie", "x-api-key"].filter((name) => asked.headers[name] !== undefined).length
        )
      assert.deepStrictEqual(told, [3, 3, 0, 0, 0])
    }).pipe(
      Effect.provide(
        redirecting({
          "http://a.test/1": "/2",
          "http://a.test/2": "http://a.test:8080/3",
          "http://a.test:8080/3": "https://a.test/4",
          "https://a.test/4": "https://b.test/5"
        })
      )
    )
  )

  it.effect("shows no secret in any error, event or journal entry", () =>
    Effect.gen(function* () {
      const error = yield* autoAdvance(
        Effect.flip(download("http://user:s3cret@a.test/x?token=s3cret", { headers: { "X-Key": "s3cret" } }))
      )
      const events = yield* (yield* Progress.Recorded).events
      for (const text of [
        error.message,
        JSON.stringify(Schema.encodeSync(DownloadError)(error)),
        ...events.map((event) =>
          event._tag === "Finished" && event.outcome._tag === "Failed" ? event.outcome.error.message : ""
        )
      ]) {
        assert.notInclude(text, "s3cret")
      }
    }).pipe(Effect.provide(layer(() => ({ status: 403 }))))
  )

  it.effect("refuses headers that are its own, or break a message", () =>
    Effect.gen(function* () {
      for (const headers of [
        { Range: "bytes=0-" },
        { Host: "b" },
        { "X-A": "a\r\nb: c" },
        { "a b": "c" },
        { "": "c" }
      ]) {
        const error = yield* Effect.flip(download(url, { headers }))
        assert.strictEqual(error._tag, "InvalidRequest")
        assert.notInclude(error.message, "b: c")
      }
      assert.strictEqual((yield* Origin.Origin).requests().length, 0)
    }).pipe(Effect.provide(layer(() => ({ body }))))
  )

  it.effect("refuses what is no absolute http: or https: URL, and a digest that is none", () =>
    Effect.gen(function* () {
      for (const bad of ["", "no url", "/relative", "file:///etc/passwd", "ftp://host/a", "data:,a"]) {
        assert.strictEqual((yield* Effect.flip(download(bad)))._tag, "InvalidRequest", bad)
      }
      const longHost = yield* Effect.flip(download(`http://${"a".repeat(254)}/file`))
      assert.strictEqual(longHost._tag, "InvalidRequest")
      assert.strictEqual((yield* Effect.flip(download(url, { digest: "md5:1" })))._tag, "InvalidRequest")
    }).pipe(Effect.provide(layer(() => ({ body }))))
  )
})
