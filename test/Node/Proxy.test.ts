import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Redacted from "effect/Redacted"
import * as Proxy from "../../src/Node/Proxy.js"

const origin = (url: string) => {
  const { hostname, port, protocol } = new URL(url)
  const isTls = protocol === "https:"
  return {
    isTls,
    hostname: hostname.replace(/^\[|\]$/g, ""),
    port: port === "" ? (isTls ? 443 : 80) : Number(port)
  }
}

/** The proxy for a URL, without its user. */
const shown = (proxies: Proxy.Proxies, url: string): string => proxies.for(origin(url))?.displayed ?? "direct"

const environment = (
  variables: Readonly<Record<string, string>>,
  options?: Parameters<typeof Proxy.fromEnvironment>[0]
) =>
  Effect.withConfigProvider(Proxy.fromEnvironment(options), ConfigProvider.fromMap(new Map(Object.entries(variables))))

describe("Proxy.make", () => {
  for (const [url, expected] of [
    ["http://proxy.test:3128", "http://proxy.test:3128"],
    ["proxy.test:3128", "http://proxy.test:3128"],
    ["proxy.test", "http://proxy.test:80"],
    ["https://user:secret@proxy.test/", "https://proxy.test:443"],
    ["http://[::1]:3128", "http://[::1]:3128"],
    ["socks://proxy.test", "socks5://proxy.test:1080"],
    ["socks5://u:p@proxy.test", "socks5://proxy.test:1080"],
    ["socks5h://proxy.test:80", "socks5h://proxy.test:80"]
  ] as const) {
    it(`reads ${url}`, () => {
      const proxies = Either.getOrThrow(Proxy.make({ proxy: Redacted.make(url) }))
      assert.strictEqual(shown(proxies, "https://a.test/"), expected)
    })
  }

  for (const url of [
    "http://",
    "ftp://proxy.test",
    "socks4://proxy.test",
    "http://proxy.test/path",
    "http://proxy.test?q",
    "http://user:secret@proxy.test:99999",
    "socks5://user@proxy.test",
    `socks5://user:${"secret".repeat(50)}@proxy.test`
  ]) {
    it(`refuses ${url.slice(0, 40)} without its secrets`, () => {
      const { message } = Either.getOrThrow(Either.flip(Proxy.make({ httpProxy: url })))
      assert.match(message, /^httpProxy must /)
      assert.notInclude(message, "secret")
    })
  }

  it("has one proxy for each scheme, and none for an empty text", () => {
    const proxies = Either.getOrThrow(Proxy.make({ proxy: "p1.test", httpProxy: "" }))
    assert.strictEqual(shown(proxies, "http://a.test"), "direct")
    assert.strictEqual(shown(proxies, "https://a.test"), "http://p1.test:80")
  })

  it("decodes the user", () => {
    const proxies = Either.getOrThrow(Proxy.make({ proxy: "http://a%40b:c%3Ad@p.test" }))
    assert.deepStrictEqual(proxies.for(origin("http://a.test"))?.user, { name: "a@b", password: "c:d" })
  })
})

describe("noProxy", () => {
  for (const [list, direct, through] of [
    [
      "example.com",
      ["http://example.com", "https://a.b.example.com", "http://EXAMPLE.com."],
      ["http://badexample.com"]
    ],
    [".example.com", ["http://example.com", "http://a.example.com"], ["http://example.com.test"]],
    ["*.example.com", ["http://a.example.com"], ["http://example.org"]],
    ["*", ["http://example.com", "http://[::1]", "http://10.0.0.1"], []],
    ["a.test, b.test\tc.test", ["http://a.test", "http://b.test", "http://c.test"], ["http://d.test"]],
    ["a.test:8080", ["http://a.test:8080"], ["http://a.test", "https://a.test"]],
    ["a.test:443", ["https://a.test"], ["http://a.test"]],
    ["127.0.0.1", ["http://127.0.0.1", "http://0x7f.1"], ["http://127.0.0.2", "http://127.0.0.1.test"]],
    ["10.0.0.0/8", ["http://10.255.0.1"], ["http://11.0.0.1", "http://10.test"]],
    ["192.168.0.1/32:80", [], ["http://192.168.0.1"]],
    ["::1", ["http://[::1]"], ["http://[::2]"]],
    ["[::1]:8080", ["http://[::1]:8080"], ["http://[::1]"]],
    ["fe80::/10", ["http://[fe80::1]"], ["http://[fec0::1]"]],
    ["0:0:0:0:0:0:0:1", ["http://[::1]"], []],
    ["10.0.0.0/99,a.test", ["http://a.test"], ["http://10.0.0.1"]],
    ["", [], ["http://example.com", "http://127.0.0.1"]]
  ] as const) {
    it.effect(`'${list}' is for ${direct.join(" ") || "nothing"}`, () =>
      Effect.map(environment({ all_proxy: "http://p.test:1", no_proxy: list }), (proxies) => {
        for (const url of direct) {
          assert.strictEqual(shown(proxies, url), "direct", url)
        }
        for (const url of through) {
          assert.strictEqual(shown(proxies, url), "http://p.test:1", url)
        }
      })
    )
  }

  it("is refused with a wrong network if it is an option", () => {
    for (const noProxy of ["10.0.0.0/33", "10.0.0/8", "a.test/8", "[a.test]", ":80"]) {
      const error = Either.getOrThrow(Either.flip(Proxy.make({ noProxy })))
      assert.strictEqual(error.name, "noProxy", noProxy)
    }
  })
})

describe("Proxy.fromEnvironment", () => {
  const http = "http://a.test"
  const https = "https://a.test"
  for (const [what, variables, forHttp, forHttps] of [
    ["is direct without variables", {}, "direct", "direct"],
    ["takes the variable of the scheme", { http_proxy: "p1", https_proxy: "p2" }, "http://p1:80", "http://p2:80"],
    ["takes all_proxy for the rest", { http_proxy: "p1", all_proxy: "p3" }, "http://p1:80", "http://p3:80"],
    ["takes upper case", { HTTP_PROXY: "p1", HTTPS_PROXY: "p2" }, "http://p1:80", "http://p2:80"],
    ["prefers lower case", { HTTPS_PROXY: "p1", https_proxy: "p2" }, "direct", "http://p2:80"],
    [
      "ignores HTTP_PROXY in a CGI program",
      { HTTP_PROXY: "evil", HTTPS_PROXY: "p2", REQUEST_METHOD: "GET" },
      "direct",
      "http://p2:80"
    ],
    ["takes http_proxy in a CGI program", { http_proxy: "p1", REQUEST_METHOD: "GET" }, "http://p1:80", "direct"],
    ["ignores an empty variable", { https_proxy: "", http_proxy: " " }, "direct", "direct"],
    ["takes NO_PROXY", { all_proxy: "p1", NO_PROXY: "a.test" }, "direct", "direct"]
  ] as const) {
    it.effect(what, () =>
      Effect.map(environment(variables), (proxies) => {
        assert.strictEqual(shown(proxies, http), forHttp)
        assert.strictEqual(shown(proxies, https), forHttps)
      })
    )
  }

  it.effect("lets options replace the variables", () =>
    Effect.gen(function* () {
      const variables = { http_proxy: "p1", https_proxy: "p2", no_proxy: "b.test" }
      const proxy = yield* environment(variables, { proxy: "p3" })
      assert.strictEqual(shown(proxy, http), "http://p3:80")
      assert.strictEqual(shown(proxy, "https://b.test"), "direct")
      const all = yield* environment(variables, { noProxy: "*" })
      assert.strictEqual(shown(all, http), "direct")
      const none = yield* environment(variables, { noProxy: "" })
      assert.strictEqual(shown(none, "http://b.test"), "http://p1:80")
    })
  )

  it.effect("names a variable that is not a proxy", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(environment({ HTTPS_PROXY: "ftp://user:secret@p.test" }))
      assert.strictEqual(error.message, "HTTPS_PROXY must have one of the schemes http, https, socks5 and socks5h")
    })
  )
})
