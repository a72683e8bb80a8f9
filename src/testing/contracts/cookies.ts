/**
 * The contract of `Cookies`.
 *
 * @since 0.2.0
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Cookies } from "../../Cookies.js"
import { isFieldValue } from "../../Download/requestHeaders.js"
import { type Case, ContractBroken, expect } from "./Case.js"

/**
 * The contract of `Cookies`: the rules of RFC 6265 by which a cookie belongs to a host, a path and a scheme, and that neither method
 * throws. The contract does not say which domains are public suffixes, and how many cookies a backend keeps.
 *
 * @category contracts
 * @since 0.2.0
 */
export const cookies = (layer: Layer.Layer<Cookies>): ReadonlyArray<Case> =>
  Object.entries(cases).map(([title, check]) => ({ title, check: Effect.provide(check, Layer.fresh(layer)) }))

const page = "https://a.site.test/dir/page"

const inYear9000 = "Fri, 01 Jan 9000 00:00:00 GMT"

const receive = (url: string, ...setCookies: ReadonlyArray<string>): Effect.Effect<void, unknown, Cookies> =>
  Effect.flatMap(Cookies, (jar) =>
    answered(`receive(${JSON.stringify(url)}, …)`, () => {
      jar.receive(url, setCookies)
    })
  )

const header = (url: string): Effect.Effect<string | undefined, unknown, Cookies> =>
  Effect.flatMap(Cookies, (jar) => answered(`header(${JSON.stringify(url)})`, () => jar.header(url)))

const answered = <A>(call: string, act: () => A): Effect.Effect<A, ContractBroken> =>
  Effect.try({ try: act, catch: (cause) => new ContractBroken({ expected: `${call} not to throw`, actual: cause }) })

const sends = (url: string, expected: string | undefined): Effect.Effect<void, unknown, Cookies> =>
  Effect.flatMap(header(url), (found) =>
    expect(found === expected, `header(${JSON.stringify(url)}) to give ${expected ?? "undefined"}`, found)
  )

const eachSends = (
  expected: ReadonlyArray<readonly [url: string, value: string | undefined]>
): Effect.Effect<void, unknown, Cookies> =>
  Effect.forEach(expected, ([url, value]) => sends(url, value), { discard: true })

const cases: Readonly<Record<string, Effect.Effect<void, unknown, Cookies>>> = {
  "sends no cookie before a response has set one": Effect.zipRight(
    receive(page),
    eachSends([
      [page, undefined],
      ["http://a.site.test/", undefined]
    ])
  ),
  "sends a cookie to the host that set it, on every port, and to no other host": Effect.zipRight(
    receive(page, "host=1; Path=/"),
    eachSends([
      [page, "host=1"],
      ["http://a.site.test:8080/", "host=1"],
      ["https://A.SITE.TEST/", "host=1"],
      ["https://b.a.site.test/", undefined],
      ["https://site.test/", undefined],
      ["https://aa.site.test/", undefined],
      ["https://a.site.test.other.test/", undefined]
    ])
  ),
  "sends a cookie with Domain to that domain and its subdomains": Effect.zipRight(
    receive(page, "site=1; Domain=site.test; Path=/"),
    eachSends([
      [page, "site=1"],
      ["https://site.test/", "site=1"],
      ["https://c.b.site.test/", "site=1"],
      ["https://badsite.test/", undefined]
    ])
  ),
  "takes no cookie for a domain that the host does not belong to": Effect.zipRight(
    receive(page, "a=1; Domain=other.test", "b=2; Domain=b.site.test", "c=3; Domain=x.a.site.test"),
    eachSends([
      [page, undefined],
      ["https://other.test/dir/", undefined],
      ["https://b.site.test/dir/", undefined],
      ["https://x.a.site.test/dir/", undefined]
    ])
  ),
  "sends a cookie to its path and the paths below it": Effect.zipRight(
    receive(page, "own=1", "deep=2; Path=/dir/deep"),
    eachSends([
      ["https://a.site.test/dir", "own=1"],
      ["https://a.site.test/dir/x", "own=1"],
      ["https://a.site.test/dir/deep/x", "deep=2; own=1"],
      ["https://a.site.test/directory", undefined],
      ["https://a.site.test/dir/deeper", "own=1"],
      ["https://a.site.test/", undefined]
    ])
  ),
  "sets and sends a cookie with Secure over https only": Effect.zipRight(
    Effect.zipRight(
      receive(page, "secure=1; Secure; Path=/"),
      receive("http://b.site.test/", "stolen=2; Secure", "plain=3")
    ),
    eachSends([
      ["https://a.site.test/", "secure=1"],
      ["http://a.site.test/", undefined],
      ["https://b.site.test/", "plain=3"]
    ])
  ),
  "replaces a cookie of the same name, domain and path, and keeps the others": Effect.zipRight(
    Effect.zipRight(
      receive(page, "one=1; Path=/", "two=2; Path=/", "one=3; Path=/"),
      receive(page, "two=4; Path=/", "one=5; Path=/dir")
    ),
    eachSends([
      [page, "one=5; one=3; two=4"],
      ["https://a.site.test/", "one=3; two=4"]
    ])
  ),
  "removes a cookie that a response lets expire, and keeps one that expires later": Effect.zipRight(
    Effect.zipRight(
      receive(page, "age=1", "date=2", "session=3", "later=4; Max-Age=31536000", `far=5; Expires=${inYear9000}`),
      receive(page, "age=; Max-Age=0", "date=; Expires=Thu, 01 Jan 1970 00:00:01 GMT")
    ),
    sends(page, "session=3; later=4; far=5")
  ),
  "takes the other cookies of a response with texts that are no cookies": Effect.gen(function* () {
    yield* receive(page, "", "=", ";", "\u0000", "x=\u0001", "y=a\r\nz: b", "z".repeat(1_000_000), "right=1")
    const found = (yield* header(page)) ?? ""
    yield* expect(found.split("; ").includes("right=1"), "the right cookie to be sent", found)
    yield* expect(isFieldValue(found), "the value of a header, without control characters", found)
  }),
  "answers for a URL of every form": Effect.gen(function* () {
    for (const url of [
      "http://[::1]:8080/",
      "http://127.0.0.1/",
      "http://localhost/",
      "http://a/?b=c;d",
      "no URL",
      ""
    ]) {
      yield* receive(url, "a=1", "b=2; Domain=test", "c=3; Path=x")
      const found = yield* header(url)
      yield* expect(found === undefined || found !== "", `no empty header for ${JSON.stringify(url)}`, found)
    }
    yield* sends("http://127.0.0.2/", undefined)
    yield* sends("http://27.0.0.1/", undefined)
  })
}
