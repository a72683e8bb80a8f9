import { networkInterfaces } from "node:os"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { get } from "../../../support/program/get.js"
import { run } from "../../../support/program/program.js"
import { authority, server } from "../../../support/servers/certificates.js"
import { http, secure } from "../../../support/servers/loopback.js"
import { getWith } from "../../../support/transport/exchange.js"
import { http1Client } from "../../../support/transport/http1Client.js"

describe("halyard get", () => {
  it.scopedLive("connects to the address of --resolve, and names the host in the request", () =>
    Effect.gen(function* () {
      const seen: Array<string | undefined> = []
      const { port } = yield* http((request, response) => {
        seen.push(request.headers.host)
        response.end("hello")
      })
      for (const resolve of [
        `files.test:${port}:127.0.0.1`,
        `FILES.test:${port}:[::1],127.0.0.1`,
        `*:${port}:127.0.0.1`
      ]) {
        const { exitCode, stderr } = yield* get([`http://files.test:${port}/a`, "--resolve", resolve])
        assert.strictEqual(exitCode, 0, stderr)
      }
      assert.deepStrictEqual(new Set(seen), new Set([`files.test:${port}`]))
      const other = yield* get([`http://files.test:${port}/a`, "--retries=0", "--resolve", "files.test:1:127.0.0.1"])
      assert.strictEqual(other.exitCode, 1)
      const refused = yield* get([
        ...[`http://files.test:${port}/a`, "--public-only"],
        ...["--resolve", `files.test:${port}:127.0.0.1`]
      ])
      assert.include(refused.stderr, "connections to the address 127.0.0.1 are not allowed")
    })
  )

  it.scopedLive("connects from the address or the interface of --interface", () =>
    Effect.gen(function* () {
      const seen: Array<string | undefined> = []
      const { url } = yield* http((request, response) => {
        seen.push(request.socket.remoteAddress)
        response.end()
      })
      const [loopback] =
        Object.entries(networkInterfaces()).find(([, found]) =>
          found?.some(({ address }) => address === "127.0.0.1")
        ) ?? []
      assert.isDefined(loopback)
      for (const text of ["127.0.0.1", loopback ?? ""]) {
        const { exitCode, stderr } = yield* get([`${url}/a`, "--interface", text, "-4"])
        assert.strictEqual(exitCode, 0, stderr)
      }
      // Linux has the whole network on its loopback interface.
      if (process.platform === "linux") {
        yield* get([`${url}/a`, "--interface", "127.0.0.9"])
        yield* get(["http://a.test/a", "--proxy", url, "--interface", "127.0.0.8"])
      }
      assert.deepStrictEqual(
        seen,
        ["127.0.0.1", "127.0.0.1", "127.0.0.9", "127.0.0.8"].slice(0, process.platform === "linux" ? 4 : 2)
      )
      const other = yield* get([`${url}/a`, "--interface", "::1", "--retries=0"])
      assert.include(other.stderr, "the host has no IPv6 address, and no other is used")
      const foreign = yield* get([`${url}/a`, "--interface", "192.0.2.1", "--retries=0"])
      assert.match(foreign.stderr, /EADDRNOTAVAIL.*\n(?:.*\n)*hint: --interface takes an address of this machine/)
    })
  )

  it.scopedLive("connects to addresses of one family only", () =>
    Effect.gen(function* () {
      const { port, url } = yield* http((_, response) => response.end("hello"))
      assert.strictEqual((yield* get([`${url}/a`, "-4"])).exitCode, 0)
      const six = yield* get([`${url}/a`, "-6", "--retries=0"])
      assert.strictEqual(six.exitCode, 1)
      assert.include(six.stderr, "the host has no IPv6 address, and no other is used")
      const both = yield* get([`http://a.test:${port}/a`, "--ipv4", "--resolve", `a.test:${port}:::1,127.0.0.1`])
      assert.strictEqual(both.exitCode, 0)
    })
  )

  it.scopedLive("refuses wrong values with one sentence", () =>
    Effect.gen(function* () {
      for (const value of [
        "a.test",
        "a.test:80",
        "a.test:80:b.test",
        "a.test:99999:127.0.0.1",
        "-a.test:80",
        "::1:80:::1"
      ]) {
        const { exitCode, stderr } = yield* run(["get", "http://a.test/", `--resolve=${value}`])
        assert.strictEqual(exitCode, 2, value)
        assert.include(stderr, "--resolve HOST:PORT:ADDR must be like files.example:443:192.0.2.1")
      }
      const { exitCode, stderr } = yield* run(["get", "http://a.test/", "-46"])
      assert.strictEqual(exitCode, 2)
      assert.include(stderr, "--ipv4 and --ipv6 exclude each other")
    })
  )
})

describe("a host with addresses of both families", () => {
  it.scopedLive("is connected to by one of the chosen family, with TLS for its name", () =>
    Effect.gen(function* () {
      const { port } = yield* secure(
        (socket) => void socket.end("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"),
        server
      )
      const addresses = new Map([[`localhost:${port}`, ["::1", "127.0.0.1"]]])
      const client = yield* http1Client({ ca: authority, family: "ipv4", addresses })
      assert.strictEqual(yield* getWith(client, `https://localhost:${port}/`), "hello")
      const six = yield* http1Client({ ca: authority, family: "ipv6", addresses })
      assert.deepInclude(yield* Effect.flip(getWith(six, `https://localhost:${port}/`)), { _tag: "Connection" })
    })
  )
})
