/**
 * What TLS trusts, and what its errors say.
 */
import type { TLSSocket, TlsOptions } from "node:tls"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Redacted from "effect/Redacted"
import * as Tls from "../../src/Node/Tls.js"
import * as RetryPolicy from "../../src/RetryPolicy.js"
import { certificate, key } from "../support/servers/certificate.js"
import { authority, client, encryptedClientKey, expired, other, server } from "../support/servers/certificates.js"
import { http, secure } from "../support/servers/loopback.js"
import { getWith } from "../support/transport/exchange.js"
import { http1Client } from "../support/transport/http1Client.js"

const hello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
const greet = (socket: TLSSocket) => void socket.write(hello)

const make = (options: Tls.Options) => Either.getOrThrow(Tls.make(options))

const trusting = make({ cacert: authority })

describe("the error of TLS", () => {
  for (const [what, options, tls, says] of [
    ["an expired certificate", expired, trusting, /CERT_HAS_EXPIRED: the certificate has expired/],
    [
      "a self-signed certificate",
      { key, cert: certificate },
      trusting,
      /DEPTH_ZERO_SELF_SIGNED_CERT: the certificate is self-signed/
    ],
    [
      "an unknown issuer",
      server,
      undefined,
      /UNABLE_TO_VERIFY_LEAF_SIGNATURE: the issuer of the certificate is not trusted/
    ],
    [
      "another host",
      other,
      trusting,
      /ERR_TLS_CERT_ALTNAME_INVALID: the certificate is for other.test, www.other.test/
    ],
    [
      "an old version",
      { ...server, minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" } satisfies TlsOptions,
      trusting,
      /the server offers no version of TLS that is allowed/
    ],
    [
      "no certificate of the client",
      { ...server, ca: authority, requestCert: true },
      trusting,
      /asks for a certificate of the client/
    ]
  ] as const) {
    it.scopedLive(`names ${what}, and is not worth a retry`, () =>
      Effect.gen(function* () {
        const origin = yield* secure(greet, options)
        const client = yield* http1Client({ tls })
        const error = yield* Effect.flip(getWith(client, `${origin.url}/`))
        assert.deepInclude(error, { _tag: "Connection", reason: "tls" })
        assert.match(error.message, says)
        assert.isFalse(RetryPolicy.isTransient(error))
      })
    )
  }

  it.scopedLive("names a port without TLS, of an origin and of a proxy", () =>
    Effect.gen(function* () {
      const plain = yield* http((_, response) => response.end("hello"))
      const direct = yield* http1Client({ tls: trusting })
      const error = yield* Effect.flip(getWith(direct, `https://localhost:${plain.port}/`))
      assert.match(error.message, /the port does not speak TLS/)
      const proxied = yield* http1Client({ proxy: { proxy: `https://localhost:${plain.port}` } })
      const ofProxy = yield* Effect.flip(getWith(proxied, "http://a.test/"))
      assert.include(ofProxy.message, `https://localhost:${plain.port}: `)
      assert.match(ofProxy.message, /the port does not speak TLS/)
    })
  )

  it.scopedLive("names certificates that could not be read", () =>
    Effect.gen(function* () {
      const origin = yield* secure(greet, server)
      const environment = { certFile: "/does/not/exist", certDirectory: undefined, extraCerts: undefined }
      const client = yield* http1Client({ tls: { environment } })
      const error = yield* Effect.flip(getWith(client, `${origin.url}/`))
      assert.include(error.message, "; the file of SSL_CERT_FILE cannot be read")
    })
  )
})

describe("insecure", () => {
  it.scopedLive("accepts every certificate of an origin, and none of a proxy", () =>
    Effect.gen(function* () {
      const tls = make({ insecure: true })
      for (const options of [expired, other, server, { key, cert: certificate }]) {
        const origin = yield* secure(greet, options)
        assert.strictEqual(yield* getWith(yield* http1Client({ tls }), `${origin.url}/`), "hello")
        const proxied = yield* http1Client({ tls, proxy: { proxy: origin.url } })
        const error = yield* Effect.flip(getWith(proxied, "http://a.test/"))
        assert.deepInclude(error, { _tag: "Connection", reason: "tls" })
      }
    })
  )
})

describe("a certificate of the client", () => {
  it.scopedLive("is given to its origin only, directly and in a tunnel", () =>
    Effect.gen(function* () {
      const options = { ...server, ca: authority, requestCert: true, rejectUnauthorized: false }
      const seen: Array<boolean> = []
      const look = (socket: TLSSocket) => {
        seen.push(socket.authorized)
        socket.end(hello)
      }
      const first = yield* secure(look, options)
      const second = yield* secure(look, options)
      for (const secret of [client.key, encryptedClientKey]) {
        const tls = make({
          cacert: authority,
          cert: client.cert,
          key: secret,
          passphrase: Redacted.make("opensesame"),
          origin: first.url
        })
        const http1 = yield* http1Client({ tls })
        seen.length = 0
        for (const { url } of [first, second, first]) {
          yield* getWith(http1, `${url}/`)
        }
        assert.deepStrictEqual(seen, [true, false, true])
      }
    })
  )

  it("is refused if it cannot be used", () => {
    const { cert } = client
    const origin = "https://localhost"
    for (const [options, option, problem] of [
      [{ cacert: "nothing" }, "cacert", /no certificate/],
      [{ cacert: authority.replace("MII", "XXX") }, "cacert", /cannot be read/],
      [{ key: client.key }, "key", /needs a certificate/],
      [{ cert, key: client.key }, "origin", /needs the origin/],
      [{ cert: client.key, key: client.key, origin }, "cert", /no certificate/],
      [{ cert, origin }, "cert", /give the key as well/],
      [{ cert, key: cert, origin }, "key", /no private key/],
      [{ cert, key: server.key, origin }, "key", /does not belong to the certificate/],
      [{ cert, key: encryptedClientKey, origin }, "passphrase", /is encrypted/],
      [{ cert, key: encryptedClientKey, passphrase: "wrong", origin }, "passphrase", /is not the pass phrase/],
      [{ cert: cert.replace("MII", "XXX"), key: client.key, origin }, "key", /cannot be read/]
    ] as const) {
      const error = Either.getOrThrow(Either.flip(Tls.make(options)))
      assert.strictEqual(error.option, option)
      assert.match(error.problem, problem)
      assert.notInclude(error.message, "wrong")
    }
  })
})
