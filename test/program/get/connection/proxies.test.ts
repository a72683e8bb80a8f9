import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { get } from "../../../support/program/get.js"
import { run, temporaryDirectory } from "../../../support/program/program.js"
import { answering, http } from "../../../support/servers/loopback.js"
import * as Programs from "../../../support/servers/programs.js"

const answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nproxy"

/** A proxy that answers every request itself, and the first lines of its requests. */
const proxy = Effect.gen(function* () {
  const requests: Array<string> = []
  const { url } = yield* answering((socket, _, request) => {
    requests.push(request.split("\r\n")[0] ?? "")
    socket.write(answer)
  })
  return { url, requests }
})

describe("halyard get, with a proxy", () => {
  for (const [what, env, parameters] of [
    ["http_proxy", (url: string) => ({ http_proxy: url }), () => []],
    ["ALL_PROXY", (url: string) => ({ ALL_PROXY: url }), () => []],
    ["--proxy", () => ({ http_proxy: "http://127.0.0.1:1" }), (url: string) => ["--proxy", url]]
  ] as const) {
    it.scopedLive(`sends requests through ${what}`, () =>
      Effect.gen(function* () {
        const { requests, url } = yield* proxy
        const { exitCode, files } = yield* get(["http://origin.test/a.txt", ...parameters(url)], { env: env(url) })
        assert.strictEqual(exitCode, 0)
        assert.deepStrictEqual(files, ["a.txt"])
        assert.deepStrictEqual(requests, ["GET http://origin.test/a.txt HTTP/1.1"])
      })
    )
  }

  it.scopedLive("uses none for the hosts of --no-proxy, --noproxy and no_proxy", () =>
    Effect.gen(function* () {
      const { url } = yield* http((_, response) => response.end("origin"))
      const dead = "http://127.0.0.1:1"
      for (const [env, parameters] of [
        [{ http_proxy: dead, no_proxy: "127.0.0.0/8" }, []],
        [{ http_proxy: dead }, ["--no-proxy", "127.0.0.1"]],
        [{ http_proxy: dead, no_proxy: "a.test" }, ["--noproxy", "*"]]
      ] as const) {
        const { exitCode } = yield* get([`${url}/a.txt`, ...parameters], { env })
        assert.strictEqual(exitCode, 0)
      }
    })
  )

  it.scopedLive("refuses a wrong proxy with one sentence, before any request, and prints no password", () =>
    Effect.gen(function* () {
      for (const [parameters, env, sentence] of [
        [
          ["--proxy", "ftp://u:secret@p"],
          {},
          /--proxy URL must have one of the schemes http, https, socks5 and socks5h/
        ],
        [["--proxy", "http://u:secret@"], {}, /--proxy URL must be a URL such as/],
        [["--no-proxy", "10.0.0.0/40"], {}, /--no-proxy LIST must be a list of/],
        [[], { https_proxy: "ftp://u:secret@p" }, /the environment variable https_proxy must have one of/]
      ] as const) {
        const { exitCode, stderr } = yield* run(["get", "http://a.test/a", ...parameters], { env })
        assert.strictEqual(exitCode, 2)
        assert.match(stderr, sentence)
        assert.notInclude(stderr, "secret")
      }
    })
  )

  Programs.withPrograms(["squid"], "says what to do if Squid asks for a user, and prints no password", () =>
    Effect.gen(function* () {
      const { url } = yield* http((_, response) => response.end("origin"))
      const { port } = yield* Programs.squid({ user: { name: "ann", password: "right" } })
      const none = yield* get([`${url}/a`, "--proxy", `127.0.0.1:${port}`])
      assert.strictEqual(none.exitCode, 1)
      assert.include(
        none.stderr,
        `the proxy asks for a user name and password (http://127.0.0.1:${port}: put them into its URL)`
      )
      const wrong = yield* get([`${url}/a`], { env: { http_proxy: `http://ann:secret@127.0.0.1:${port}` } })
      assert.include(wrong.stderr, "it does not accept the user name and password of its URL")
      assert.notInclude(wrong.stderr + wrong.stdout, "secret")
      const right = yield* get([`${url}/a`], { env: { http_proxy: `http://ann:right@127.0.0.1:${port}` } })
      assert.strictEqual(right.exitCode, 0)
    })
  )

  Programs.withPrograms(["microsocks"], "loads the SOCKS library when it is needed", () =>
    Effect.gen(function* () {
      const { url } = yield* http((_, response) => response.end("origin"))
      const { port } = yield* Programs.microsocks()
      const { exitCode, stderr } = yield* get([`${url}/a`, "--proxy", `socks5h://127.0.0.1:${port}`])
      assert.strictEqual(exitCode, 0, stderr)
    })
  )

  it.scopedLive("names a proxy that cannot be reached, without its password", () =>
    Effect.gen(function* () {
      const refused = yield* get(["http://a.test/a", "--proxy", "http://u:secret@127.0.0.1:1", "--retries=0"])
      assert.include(refused.stderr, "the connection was refused (proxy http://127.0.0.1:1: ECONNREFUSED)")
      // A server that takes connections, and answers nothing to CONNECT.
      const { port } = yield* answering(() => {})
      const silent = yield* get([
        "https://a.test/a",
        "--proxy",
        `http://u:secret@127.0.0.1:${port}`,
        "--retries=0",
        "--connect-timeout=0.2"
      ])
      assert.include(silent.stderr, `waiting for a connection through the proxy http://127.0.0.1:${port}`)
      assert.notInclude(refused.stderr + silent.stderr, "secret")
    })
  )

  it.scopedLive("says that a proxy is set and not used if a name cannot be resolved", () =>
    Effect.gen(function* () {
      const { stderr } = yield* get(["http://does-not-exist.invalid/a", "--retries", "0"], {
        env: { https_proxy: "http://127.0.0.1:1" }
      })
      assert.include(stderr, "https_proxy is set, but no proxy is used for this host")
    })
  )
})

describe("halyard flags, with a proxy", () => {
  it.scopedLive("connects to its own origin directly", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const { exitCode } = yield* run(["flags", "-l1", "-d", directory], { env: { http_proxy: "http://127.0.0.1:1" } })
      assert.strictEqual(exitCode, 0)
    })
  )
})
