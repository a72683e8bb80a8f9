/**
 * `halyard serve`: the origin of the flags, over real sockets.
 */
import { execFileSync } from "node:child_process"
import { copyFileSync, existsSync, mkdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from "node:fs"
import { connect, type Socket } from "node:net"
import { basename } from "node:path"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { until } from "../../support/poll.js"
import { filesIn, halyard, originDirectory, run, temporaryDirectory } from "../../support/program/program.js"
import { ctrlC, halyardOnTerminal, itOnTerminal } from "../../support/program/pseudoTerminal.js"

const announced = /^Serving flags at (http:\/\/127\.0\.0\.1:\d+) \(seed (\d+)\)\n/

/** Starts a server on a free port. */
const serve = (...parameters: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const program = yield* halyard(["serve", "0", ...parameters])
    yield* program.awaitOutput(announced)
    const [, baseUrl = "", seed = ""] = announced.exec(program.stdout()) ?? []
    /** The lines about requests so far. */
    const lines = () => program.stdout().split("\n").slice(1, -1)
    return { ...program, baseUrl, seed, lines }
  })

const request = (method: "GET" | "HEAD" | "POST", url: string) =>
  HttpClientRequest.make(method)(url).pipe(
    HttpClient.execute,
    Effect.flatMap(({ arrayBuffer, headers, status }) =>
      Effect.map(arrayBuffer, (body) => ({ status, headers, body: Buffer.from(body) }))
    ),
    Effect.scoped,
    // On a busy machine, the server may close an idle connection just when the client uses it again.
    Effect.retry({ times: 3, while: () => method === "GET" }),
    Effect.provide(FetchHttpClient.layer),
    Effect.orDie
  )

const get = (url: string) => request("GET", url)

const flag = (code: string) => `/${code}/${code}.gif`

const origin = (code: string) => readFileSync(`${originDirectory}/${code}.gif`)

/** Asks for a path and does not read what comes. */
const silentClient = (baseUrl: string, path: string) =>
  Effect.acquireRelease(
    Effect.async<Socket>((resume) => {
      const socket = connect(Number(new URL(baseUrl).port), "127.0.0.1", () => {
        socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`, () => resume(Effect.succeed(socket)))
      })
      socket.on("error", () => socket.destroy())
    }),
    (socket) => Effect.sync(() => socket.destroy())
  )

describe.concurrent("halyard serve", () => {
  it.scopedLive("serves every flag on the loopback address", () =>
    Effect.gen(function* () {
      const server = yield* serve()
      const codes = filesIn(originDirectory).flatMap((name) => /^([a-z]{2})\.gif$/.exec(name)?.[1] ?? [])
      assert.isAbove(codes.length, 200)
      yield* Effect.forEach(
        codes,
        (code) =>
          Effect.map(get(server.baseUrl + flag(code)), ({ body, headers, status }) => {
            assert.strictEqual(status, 200)
            assert.isTrue(body.equals(origin(code)), code)
            assert.strictEqual(headers["content-type"], "image/gif")
            assert.strictEqual(headers["content-length"], `${body.length}`)
          }),
        { concurrency: 16 }
      )
      assert.strictEqual(server.lines().length, codes.length)
    })
  )

  it.scopedLive("prints a line for each request, and responds with 404 to an unknown path", () =>
    Effect.gen(function* () {
      const server = yield* serve()
      const paths = ["/br/br.gif", "/BR/BR.gif", "/zz/zz.gif", "/br/cn.gif", "/", "/../../package.json", "/%1b%5b31m"]
      const answers = yield* Effect.forEach(paths, (path) => get(server.baseUrl + path))
      assert.deepStrictEqual(
        answers.map(({ status }) => status),
        [200, 200, 404, 404, 404, 404, 404]
      )
      assert.deepStrictEqual(server.lines(), [
        "BR delay: 0.0s -> 200",
        "BR delay: 0.0s -> 200",
        "ZZ delay: 0.0s -> 404",
        "/br/cn.gif delay: 0.0s -> 404",
        "/ delay: 0.0s -> 404",
        "/package.json delay: 0.0s -> 404",
        "/%1b%5b31m delay: 0.0s -> 404"
      ])
    })
  )

  it.scopedLive("responds to HEAD without a body, and to other methods with 405", () =>
    Effect.gen(function* () {
      const server = yield* serve()
      const head = yield* request("HEAD", server.baseUrl + flag("br"))
      assert.deepStrictEqual([head.status, head.body.length], [200, 0])
      assert.strictEqual(head.headers["content-length"], `${origin("br").length}`)
      const post = yield* request("POST", server.baseUrl + flag("br"))
      assert.deepStrictEqual([post.status, post.headers["allow"]], [405, "GET, HEAD"])
    })
  )

  it.scopedLive("serves the flags of a directory, in either layout", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      writeFileSync(`${directory}/xx.gif`, "not really a flag")
      mkdirSync(`${directory}/yy`)
      copyFileSync(`${originDirectory}/br.gif`, `${directory}/yy/yy.gif`)
      const server = yield* serve("--directory", directory)
      const [xx, yy, br] = yield* Effect.forEach(["xx", "yy", "br"], (code) => get(server.baseUrl + flag(code)))
      assert.strictEqual(`${xx?.body}`, "not really a flag")
      assert.isTrue(yy?.body.equals(origin("br")))
      assert.strictEqual(br?.status, 404)
    })
  )

  it.scopedLive("opens only regular files inside the directory", () =>
    Effect.gen(function* () {
      const outside = yield* temporaryDirectory
      const directory = yield* temporaryDirectory
      writeFileSync(`${outside}/secret`, "secret")
      execFileSync("mkfifo", [`${directory}/aa.gif`, `${outside}/fifo`])
      symlinkSync(`${outside}/fifo`, `${directory}/ab.gif`)
      symlinkSync("/dev/zero", `${directory}/ac.gif`)
      mkdirSync(`${directory}/ad.gif`)
      symlinkSync(`${outside}/secret`, `${directory}/ae.gif`)
      symlinkSync(outside, `${directory}/af`)
      writeFileSync(`${outside}/af.gif`, "secret")
      symlinkSync(`../${basename(outside)}/secret`, `${directory}/ag.gif`)
      symlinkSync("ah.gif", `${directory}/ah.gif`)
      writeFileSync(`${directory}/ba.gif`, "inside")
      symlinkSync("ba.gif", `${directory}/bb.gif`)
      const link = `${outside}/directory`
      symlinkSync(directory, link)
      const server = yield* serve("--directory", link)
      // More than there are threads that read files.
      const refused = ["aa", "ab", "ac", "ad", "ae", "af", "ag", "ah"].flatMap((code) => [code, code, code])
      const answers = yield* Effect.forEach(refused, (code) => get(server.baseUrl + flag(code)), { concurrency: 24 })
      assert.deepStrictEqual(new Set(answers.map(({ status }) => status)).size, 1)
      assert.strictEqual(answers[0]?.status, 404)
      for (const path of [
        "/ba%2fba.gif",
        "/ba/ba.gif%00",
        "/ba/..%2f..%2fetc%2fpasswd",
        "/ba/ba.gif/",
        "//ba/ba.gif"
      ]) {
        assert.strictEqual((yield* get(server.baseUrl + path)).status, 404, path)
      }
      for (const code of ["ba", "bb"]) {
        assert.strictEqual(`${(yield* get(server.baseUrl + flag(code))).body}`, "inside")
      }
      yield* server.signal("SIGTERM")
      assert.strictEqual((yield* server.ended).exitCode, 143)
    })
  )

  it.scopedLive("uses little memory for clients that do not read, and responds to other clients", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const sizeBytes = 64 * 1024 * 1024
      writeFileSync(`${directory}/aa.gif`, "")
      truncateSync(`${directory}/aa.gif`, sizeBytes)
      writeFileSync(`${directory}/bb.gif`, "small")
      const server = yield* serve("--directory", directory)
      const whole = yield* get(server.baseUrl + flag("aa"))
      assert.strictEqual(whole.body.length, sizeBytes)
      yield* Effect.forEach(Array.from({ length: 40 }), () => silentClient(server.baseUrl, flag("aa")))
      yield* until(
        "a line for each request",
        () => server.lines().length > 40 || undefined,
        () => `${server.lines().length}`
      )
      for (const _ of [1, 2, 3]) {
        assert.strictEqual(`${(yield* get(server.baseUrl + flag("bb"))).body}`, "small")
      }
      const status = `/proc/${server.pid}/status`
      if (existsSync(status)) {
        const [, peak = ""] = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync(status, "utf8")) ?? []
        assert.isBelow(Number(peak), 500_000)
      }
      yield* server.signal("SIGTERM")
      assert.strictEqual((yield* server.ended).exitCode, 143)
    })
  )

  it.scopedLive("ends a body with its connection if the file becomes shorter", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      writeFileSync(`${directory}/aa.gif`, "")
      truncateSync(`${directory}/aa.gif`, 64 * 1024 * 1024)
      const server = yield* serve("--directory", directory)
      const client = yield* silentClient(server.baseUrl, flag("aa"))
      yield* server.awaitOutput(/^AA /m)
      truncateSync(`${directory}/aa.gif`, 0)
      let bytes = 0
      client.on("data", (chunk) => {
        bytes += chunk.length
      })
      yield* until(
        "end of the connection",
        () => client.closed || undefined,
        () => `${bytes} bytes`
      )
      assert.isBelow(bytes, 64 * 1024 * 1024)
    })
  )

  it.scopedLive("has the same delays and errors for the same seed, in any order of requests", () =>
    Effect.gen(function* () {
      const codes = ["br", "cn", "fr", "br", "zz", "br", "in", "us"]
      const told = yield* Effect.forEach(
        [codes, codes.toReversed()],
        (order) =>
          Effect.gen(function* () {
            const server = yield* serve("--seed=3", "--delay", "0.1..0.5", "--error-rate=0.5")
            assert.strictEqual(server.seed, "3")
            const answers = yield* Effect.forEach(order, (code) => get(server.baseUrl + flag(code)), { concurrency: 8 })
            const statuses = answers.map(({ status }) => status)
            assert.include(statuses, 418)
            assert.include(statuses, 200)
            return [...server.lines()].sort()
          }),
        { concurrency: 2 }
      )
      assert.strictEqual(told[0]?.length, codes.length)
      assert.deepStrictEqual(told[0], told[1])
      assert.match(told[0]?.join("\n") ?? "", /^(?:[A-Z]{2} delay: 0\.[1-5]s -> (?:200|404|418)\n?)+$/)
    })
  )

  it.scopedLive("fails every request with a rate of 1, and waits at least the minimum delay", () =>
    Effect.gen(function* () {
      const server = yield* serve("-e1", "--delay=0.3")
      const [elapsed, answer] = yield* Effect.timed(get(server.baseUrl + flag("br")))
      assert.strictEqual(answer.status, 418)
      assert.isAtLeast(Duration.toMillis(elapsed), 295)
      assert.deepStrictEqual(server.lines(), ["BR delay: 0.3s -> 418"])
    })
  )

  it.scopedLive("reports a client that closes its connection, and continues", () =>
    Effect.gen(function* () {
      const server = yield* serve("--delay=20")
      // The server has the request before it has the end of the connection.
      const client = yield* silentClient(server.baseUrl, flag("br"))
      client.destroy()
      yield* server.awaitOutput(/^BR delay: 20\.0s -> client left$/m)
      assert.strictEqual((yield* get(`${server.baseUrl}/`)).status, 404)
      assert.strictEqual(server.stderr(), "")
    })
  )

  it.scopedLive("fails in one sentence if the port is in use", () =>
    Effect.gen(function* () {
      const server = yield* serve()
      const port = new URL(server.baseUrl).port
      const ended = yield* Effect.forEach([["--port", port], [port]], (line) => run(["serve", ...line]), {
        concurrency: 2
      })
      for (const { exitCode, stderr, stdout } of ended) {
        assert.deepStrictEqual(
          [exitCode, stdout, stderr],
          [1, "", `halyard serve: cannot listen on 127.0.0.1:${port}: the port is in use\n`]
        )
      }
    })
  )

  for (const [signal, code] of [
    ["SIGINT", 130],
    ["SIGTERM", 143]
  ] as const) {
    it.scopedLive(`stops at once on ${signal}, and responds to waiting clients`, () =>
      Effect.gen(function* () {
        const server = yield* serve("--delay=20")
        // Two requests in one write: when the first is answered, the server has the second.
        const client = yield* silentClient(server.baseUrl, `/ HTTP/1.1\r\nHost: localhost\r\n\r\nGET ${flag("br")}`)
        let received = ""
        client.on("data", (chunk) => {
          received += chunk
        })
        const until404 = () => received.startsWith("HTTP/1.1 404") || undefined
        yield* until("the first answer", until404, () => received)
        yield* server.signal(signal)
        const ended = yield* server.ended
        assert.deepStrictEqual([ended.exitCode, ended.stderr], [code, ""])
        const until503 = () => received.includes("HTTP/1.1 503") || undefined
        yield* until("the second answer", until503, () => received)
        assert.deepStrictEqual(server.lines(), ["/ delay: 0.0s -> 404", "BR delay: 20.0s -> 503"])
      })
    )
  }

  itOnTerminal(
    "stops on Ctrl-C, also with an idle connection",
    Effect.gen(function* () {
      const terminal = yield* halyardOnTerminal(["serve", "0"])
      const baseUrl = yield* terminal.awaitScreen("address", (rows) => /http\S+/.exec(rows[0] ?? "")?.[0])
      yield* get(`${baseUrl}/`)
      yield* terminal.type(ctrlC)
      assert.deepInclude(yield* terminal.ended, { exitCode: 130 })
      assert.isTrue(terminal.cursor().visible)
    })
  )
})
