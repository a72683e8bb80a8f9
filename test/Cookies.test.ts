/**
 * Cookies: the jar by itself, and in downloads with redirects.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/TestClock"
import * as CookieJar from "../src/Cookies/Jar.js"
import { Cookies } from "../src/Cookies.js"
import * as Downloader from "../src/Downloader.js"
import * as MemoryStore from "../src/Store/Memory.js"
import * as Contracts from "../src/testing/Contracts.js"
import { autoAdvance, Origin } from "../src/testing.js"
import { runCases } from "./support/runCases.js"
import { download } from "./support/transport/hostileRow.js"

const receive = (url: string, ...setCookies: ReadonlyArray<string>) =>
  Effect.map(Cookies, (cookies) => cookies.receive(url, setCookies))

const header = (url: string) => Effect.map(Cookies, (cookies) => cookies.header(url))

const add = (text: string) => Effect.map(CookieJar.CookieJar, (jar) => jar.add(text))

const line = (...fields: ReadonlyArray<string>) => fields.join("\t")

describe("a cookie jar", () => {
  runCases(Contracts.cookies(CookieJar.layer))

  it.effect("sends a cookie to its host, or to the subdomains of its domain, and to its path", () =>
    Effect.gen(function* () {
      yield* receive(
        "https://a.example.com/dir/page",
        "host=1",
        "site=2; Domain=example.com; Path=/",
        "deep=3; Path=/dir"
      )
      for (const [url, expected] of [
        ["https://a.example.com/dir/x", "host=1; deep=3; site=2"],
        ["https://a.example.com/", "site=2"],
        ["https://b.example.com/dir/x", "site=2"],
        ["https://b.a.example.com/dir/x", "site=2"],
        ["https://example.com/dir/x", "site=2"],
        ["http://a.example.com:8080/dirx", "site=2"],
        ["https://badexample.com/dir/x", undefined],
        ["https://example.com.evil.test/dir/x", undefined],
        ["not a URL", undefined]
      ] as const) {
        assert.strictEqual(yield* header(url), expected, url)
      }
    }).pipe(Effect.provide(CookieJar.layer))
  )

  it.effect("takes no cookie of another domain or of a public suffix, and Secure ones over https only", () =>
    Effect.gen(function* () {
      const url = "https://shop.example.co.uk/"
      yield* receive(
        url,
        "a=1; Domain=co.uk",
        "b=2; Domain=other.test",
        "c=3; Domain=x.shop.example.co.uk",
        "d=4; Domain=uk"
      )
      yield* receive(url, "__Host-e=5", "__Secure-f=6", "", "=", ";", "\u0000", "g", "x=\u0001")
      assert.isUndefined(yield* header(url))
      yield* receive(url, "s=1; Secure")
      yield* receive(url.replace("https", "http"), "t=2; Secure")
      assert.strictEqual(yield* header(url), "s=1")
      assert.isUndefined(yield* header(url.replace("https", "http")))
    }).pipe(Effect.provide(CookieJar.layer))
  )

  it.effect("forgets cookies when they expire by the clock, or when the server removes them", () =>
    Effect.gen(function* () {
      const url = "http://a.test/"
      yield* receive(url, "age=1; Max-Age=60", "date=2; Expires=Thu, 01 Jan 1970 00:02:00 GMT", "session=3")
      yield* TestClock.adjust("59 seconds")
      assert.strictEqual(yield* header(url), "age=1; date=2; session=3")
      yield* TestClock.adjust("1 seconds")
      assert.strictEqual(yield* header(url), "date=2; session=3")
      yield* TestClock.adjust("1 minutes")
      assert.strictEqual(yield* header(url), "session=3")
      yield* receive(url, "session=; Max-Age=0")
      assert.isUndefined(yield* header(url))
    }).pipe(Effect.provide(CookieJar.layer))
  )

  it.effect("has room for 50 cookies of a host and for 3000 in all", () =>
    Effect.gen(function* () {
      for (let host = 0; host < 70; host++) {
        yield* receive(`http://h${host}.test/`, ...Array.from({ length: 60 }, (_, index) => `c${index}=${host}`))
      }
      yield* receive("http://last.test/", `long=${"x".repeat(5000)}`)
      const first = yield* header("http://h0.test/")
      assert.strictEqual(first?.split("; ").length, 50)
      assert.isUndefined(yield* header("http://last.test/"))
      const text = (yield* CookieJar.CookieJar).toText()
      assert.strictEqual(text.match(/^h/gm)?.length, 3000)
    }).pipe(Effect.provide(CookieJar.layer))
  )

  it.effect("reads and writes a Netscape cookie file", () =>
    Effect.gen(function* () {
      const year2100 = "4102444800"
      const file = [
        "# Netscape HTTP Cookie File",
        "",
        line(".example.com", "TRUE", "/", "FALSE", year2100, "site", "1"),
        line("a.test", "FALSE", "/dir", "TRUE", "0", "session", "2=2"),
        line("#HttpOnly_a.test", "FALSE", "/", "FALSE", year2100, "http", ""),
        line("old.test", "FALSE", "/", "FALSE", "1", "old", "x")
      ]
      yield* TestClock.adjust("1 minutes")
      assert.deepStrictEqual(yield* add(`\ufeff${file.join("\r\n")}\r\n`), Either.right(0))
      assert.strictEqual(yield* header("http://www.example.com/x"), "site=1")
      assert.strictEqual(yield* header("https://a.test/dir"), "session=2=2; http=")
      assert.strictEqual(yield* header("http://a.test/dir"), "http=")
      assert.isUndefined(yield* header("http://old.test/"))
      const text = (yield* CookieJar.CookieJar).toText()
      assert.strictEqual(text, `${file.slice(0, 5).join("\n")}\n`)
      assert.deepStrictEqual(yield* add(line(".co.uk", "TRUE", "/", "FALSE", "0", "suffix", "1")), Either.right(1))
      for (const [wrong, number] of [
        ["\n<html>", 2],
        [line("a", "TRUE", "/", "FALSE", "soon", "n", "s3cret"), 1],
        [line("a", "yes", "/", "FALSE", "0", "n", "s3cret"), 1],
        [line("a", "TRUE", "x", "FALSE", "0", "n", "s3cret"), 1],
        [line("a", "TRUE", "/", "FALSE", "0", "", "s3cret"), 1],
        [line("a", "TRUE", "/", "FALSE", "0", "n", "s3cret", "more"), 1],
        ["Set-Cookie: a=s3cret", 1]
      ] as const) {
        const rule = Either.getOrThrow(Either.flip(yield* add(wrong)))
        assert.match(rule, new RegExp(`^line ${number}: it is not a cookie`))
        assert.notInclude(rule, "s3cret")
      }
    }).pipe(Effect.provide(CookieJar.layer))
  )
})

describe("a download with cookies", () => {
  const layers = (script: Parameters<typeof Origin.layer>[0]) =>
    Downloader.layer.pipe(
      Layer.provideMerge(Layer.mergeAll(Origin.layer(script), MemoryStore.layer)),
      Layer.provideMerge(CookieJar.layer)
    )
  const sent = Effect.map(Origin.Origin, ({ requests }) =>
    requests().map(({ headers, url }) => `${url} ${headers["cookie"]}`)
  )

  it.effect(
    "sends the cookies of a redirect with the next request where the rules allow it, and with later downloads",
    () =>
      Effect.gen(function* () {
        yield* autoAdvance(download("http://a.site.test/start", { headers: { Cookie: "given=0" } }))
        yield* autoAdvance(download("http://a.site.test/later", { destination: "two" }))
        assert.deepStrictEqual(yield* sent, [
          "http://a.site.test/start given=0",
          "http://b.site.test/login site=1",
          "http://other.test/ undefined",
          "http://a.site.test/back own=2; site=1; b=3",
          "http://a.site.test/later own=2; site=1; b=3"
        ])
      }).pipe(
        Effect.provide(
          layers(({ url }) => {
            const to = (location: string, ...set: ReadonlyArray<string>) => ({
              status: 302,
              headers: { location, ...(set.length === 0 ? {} : { "set-cookie": set.join("\n") }) }
            })
            switch (url) {
              case "http://a.site.test/start":
                return to(
                  "http://b.site.test/login",
                  "own=2; Expires=Fri, 01 Jan 2100 00:00:00 GMT",
                  "site=1; Domain=site.test"
                )
              case "http://b.site.test/login":
                return to("http://other.test/", "b=3; Domain=site.test; Path=/", "foreign=4; Domain=other.test")
              case "http://other.test/":
                return to("http://a.site.test/back", "steal=5; Domain=site.test")
              default:
                return { body: "content" }
            }
          })
        )
      )
  )
})
