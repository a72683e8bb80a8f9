/**
 * The transport behind proxies of Debian.
 */
import { createServer as createTlsServer } from "node:https"
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { certificate, key } from "../../support/servers/certificate.js"
import { http, listening } from "../../support/servers/loopback.js"
import * as Programs from "../../support/servers/programs.js"
import { collectPausing, getWith, openWith } from "../../support/transport/exchange.js"
import { http1Client } from "../../support/transport/http1Client.js"

const user = { name: "ann", password: "p@ss word:1" }
const plainUser = { name: "ann", password: "secret1" }

const body = Buffer.alloc(1_000_003, "0123456789")

/** An HTTP and a TLS origin with the same content, and the headers and connections that they have seen. */
const origins = Effect.gen(function* () {
  const seen: Array<string> = []
  const answer: Parameters<typeof http>[0] = (request, response) => {
    seen.push(...request.rawHeaders.map((text) => text.toLowerCase()))
    response.writeHead(200, { "content-length": body.length }).end(body)
  }
  const plain = yield* http(answer)
  const secure = yield* listening(createTlsServer({ key, cert: certificate }, answer))
  return { seen, plain: plain.url, secure: `https://localhost:${secure.port}`, connections: secure.connections }
})

const credentials = ({ name, password }: typeof user) => `${encodeURIComponent(name)}:${encodeURIComponent(password)}@`

type Started = Effect.Effect<Programs.Program, never, Scope.Scope>

const authenticated: ReadonlyArray<
  readonly [
    Programs.Name,
    string,
    typeof user,
    (user?: { readonly name: string; readonly password: string }) => Started
  ]
> = [
  ["squid", "http", user, (given) => Programs.squid({ user: given })],
  ["tinyproxy", "http", plainUser, (given) => Programs.tinyproxy({ user: given })],
  ["microsocks", "socks5", plainUser, (given) => Programs.microsocks({ user: given })],
  ["microsocks", "socks5h", plainUser, (given) => Programs.microsocks({ user: given })]
]

describe("a proxy", () => {
  for (const [name, scheme, who, start] of authenticated) {
    for (const given of [undefined, who]) {
      const title = `${name} by ${scheme}, ${given === undefined ? "without a user" : "with a user"}`
      Programs.withPrograms([name], `${title}: files of http: and https: origins arrive unchanged`, () =>
        Effect.gen(function* () {
          const { connections, plain, secure, seen } = yield* origins
          const { port } = yield* start(given)
          const proxy = `${scheme}://${given === undefined ? "" : credentials(given)}127.0.0.1:${port}`
          const client = yield* http1Client({ ca: certificate, proxy: { proxy } })
          for (const url of [plain, secure]) {
            for (const pauseEvery of [1, 7, Number.POSITIVE_INFINITY]) {
              const received = yield* Effect.scoped(
                Effect.flatMap(openWith(client, { url: `${url}/`, headers: { accept: "*/*" } }), (response) =>
                  collectPausing(response, pauseEvery)
                )
              )
              assert.isTrue(body.equals(received), `${url} ${pauseEvery}`)
            }
          }
          assert.strictEqual(connections(), 1)
          assert.notInclude(seen, "proxy-authorization")
        })
      )
    }

    Programs.withPrograms([name], `${name} by ${scheme}: a wrong or missing user is an error that no retry mends`, () =>
      Effect.gen(function* () {
        const { plain, secure } = yield* origins
        const { port } = yield* start(who)
        for (const given of ["", credentials({ ...who, password: "wrong" })]) {
          const client = yield* http1Client({
            ca: certificate,
            proxy: { proxy: `${scheme}://${given}127.0.0.1:${port}` }
          })
          // tinyproxy answers 401 to a wrong password, which looks like an answer of the origin.
          for (const url of name === "tinyproxy" && given !== "" ? [secure] : [plain, secure]) {
            const error = yield* Effect.flip(getWith(client, `${url}/`))
            assert.deepInclude(error, { _tag: "Connection", reason: "proxy-authentication" })
            assert.include(error.message, `${scheme}://127.0.0.1:${port}`)
            assert.notInclude(error.message, "wrong")
          }
        }
      })
    )

    Programs.withPrograms([name], `${name} by ${scheme}: a closed port is a failure of the proxy's connection`, () =>
      Effect.gen(function* () {
        const { port } = yield* start()
        const client = yield* http1Client({ proxy: { proxy: `${scheme}://127.0.0.1:${port}` } })
        const error = yield* Effect.flip(getWith(client, "https://127.0.0.1:1/"))
        assert.deepInclude(error, { _tag: "Connection", reason: "proxy" })
      })
    )
  }

  Programs.withPrograms(["haproxy", "squid"], "with TLS, as HAProxy before Squid: TLS to the origin is in it", () =>
    Effect.gen(function* () {
      const { plain, secure, seen } = yield* origins
      const { port } = yield* Programs.squid({ user })
      const front = yield* Programs.haproxy({
        isTls: true,
        sections: (bind) =>
          `frontend front\n  bind ${bind}\n  default_backend squid\nbackend squid\n  server one 127.0.0.1:${port}`
      })
      const proxy = `https://${credentials(user)}localhost:${front.port}`
      const client = yield* http1Client({ ca: certificate, proxy: { proxy } })
      for (const url of [plain, secure]) {
        for (const pauseEvery of [1, Number.POSITIVE_INFINITY]) {
          const received = yield* Effect.scoped(
            Effect.flatMap(openWith(client, { url: `${url}/`, headers: {} }), (response) =>
              collectPausing(response, pauseEvery)
            )
          )
          assert.isTrue(body.equals(received), url)
        }
      }
      assert.notInclude(seen, "proxy-authorization")
      // The certificate of the proxy is checked as well.
      const trustless = yield* http1Client({ proxy: { proxy } })
      assert.deepInclude(yield* Effect.flip(getWith(trustless, `${plain}/`)), { _tag: "Connection", reason: "tls" })
    })
  )
})
