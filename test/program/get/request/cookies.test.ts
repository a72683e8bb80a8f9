/**
 * `--cookie` and `--cookie-jar` of `halyard get`, at a real server.
 */
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { run, temporaryDirectory } from "../../../support/program/program.js"
import { http } from "../../../support/servers/loopback.js"

/** An origin that records the cookies of each request. `/login` sets two, and redirects. */
const recording = Effect.gen(function* () {
  const seen: Array<string> = []
  const { port, url } = yield* http((request, response) => {
    seen.push(`${request.url} ${request.headers.cookie}`)
    if (request.url === "/login") {
      const cookies = ["session=s3cret; HttpOnly", "lang=en; Expires=Fri, 01 Jan 2100 00:00:00 GMT"]
      response.writeHead(302, { location: "/page", "set-cookie": cookies }).end()
    } else {
      response.end("content")
    }
  })
  return { port, seen, url }
})

describe("halyard get --cookie", () => {
  it.scopedLive("sends NAME=VALUE to the origin of the first URL, and keeps no cookies of servers", () =>
    Effect.gen(function* () {
      const [first, other] = [yield* recording, yield* recording]
      const cwd = yield* temporaryDirectory
      const cookies = ["-b", "a=1", "--cookie", "b=2; c=3", "-H", "Cookie: d=4"]
      const { exitCode, stderr } = yield* run(["get", `${first.url}/login`, `${other.url}/x`, ...cookies, "-c1"], {
        cwd
      })
      assert.strictEqual(exitCode, 0, stderr)
      assert.deepStrictEqual(first.seen, ["/login d=4; a=1; b=2; c=3", "/page d=4; a=1; b=2; c=3"])
      assert.deepStrictEqual(other.seen, ["/x undefined"])
      assert.include(stderr, `the headers and cookies are for ${first.url}: not sent to 1 URL`)
    })
  )

  it.scopedLive("reads a cookie file, keeps the cookies of a redirect, and writes all to a private file", () =>
    Effect.gen(function* () {
      const { port, seen, url } = yield* recording
      const cwd = yield* temporaryDirectory
      const from = "127.0.0.1\tFALSE\t/\tFALSE\t0\tfile\t1\n"
      writeFileSync(`${cwd}/in`, `${from}localhost\tFALSE\t/\tTRUE\t0\tsecure\t2\n.co.uk\tTRUE\t/\tFALSE\t0\tbad\t3\n`)
      writeFileSync(`${cwd}/kept`, "other")
      symlinkSync("kept", `${cwd}/jar`)
      const parameters = [`${url}/login`, `${url}/again`, `http://localhost:${port}/x`, "-c1"]
      const { exitCode, stderr, stdout } = yield* run(
        ["get", ...parameters, "-b", "in", "--cookie-jar", "jar", "-d", "out", "--json"],
        { cwd }
      )
      assert.strictEqual(exitCode, 0, stderr)
      assert.notInclude(stdout + stderr, "s3cret")
      assert.include(stderr, "in: 1 cookies are ignored")
      assert.deepStrictEqual(seen, [
        "/login file=1",
        "/page file=1; session=s3cret; lang=en",
        "/again file=1; session=s3cret; lang=en",
        "/x undefined"
      ])
      assert.strictEqual(statSync(`${cwd}/jar`).mode & 0o777, 0o600)
      assert.strictEqual(readFileSync(`${cwd}/kept`, "utf8"), "other")
      const text = readFileSync(`${cwd}/jar`, "utf8")
      assert.include(text, "#HttpOnly_127.0.0.1\tFALSE\t/\tFALSE\t0\tsession\ts3cret\n")
      assert.include(text, "127.0.0.1\tFALSE\t/\tFALSE\t4102444800\tlang\ten\n")
      assert.include(text, from)
      assert.deepStrictEqual(readdirSync(cwd).sort(), ["in", "jar", "kept", "out"])
    })
  )

  it.scopedLive("adds cookies to the file that they are read from", () =>
    Effect.gen(function* () {
      const { url } = yield* recording
      const cwd = yield* temporaryDirectory
      const from = "127.0.0.1\tFALSE\t/\tFALSE\t0\tfile\t1\n"
      writeFileSync(`${cwd}/jar`, from)
      const { exitCode, stderr } = yield* run(["get", `${url}/login`, "-b", "jar", "--cookie-jar", "jar"], { cwd })
      assert.strictEqual(exitCode, 0, stderr)
      const text = readFileSync(`${cwd}/jar`, "utf8")
      assert.include(text, from)
      assert.include(text, "\tsession\ts3cret\n")
    })
  )

  it.scopedLive("keeps a file that the run has saved under the name of the jar, and fails", () =>
    Effect.gen(function* () {
      const { url } = yield* recording
      const cwd = yield* temporaryDirectory
      const { exitCode, stderr } = yield* run(["get", `${url}/jar`, "--cookie-jar", "jar"], { cwd })
      assert.strictEqual(exitCode, 1)
      assert.include(stderr, "--cookie-jar jar: it is also the destination of a download, which stays\n")
      assert.notInclude(readFileSync(`${cwd}/jar`, "utf8"), "HTTP Cookie File")
    })
  )

  it.scopedLive("is refused for files that cannot be read or written, before any request", () =>
    Effect.gen(function* () {
      const { seen, url } = yield* recording
      const cwd = yield* temporaryDirectory
      mkdirSync(`${cwd}/directory`)
      writeFileSync(`${cwd}/wrong`, "a=s3cret\n")
      for (const [parameters, sentence] of [
        [["-b", "missing"], "halyard get: --cookie missing: there is no such file\n"],
        [["-b", "wrong"], "halyard get: --cookie wrong: line 1: it is not a cookie: "],
        [["-b", ""], "halyard get: --cookie NAME=VALUE|FILE must have a name and no line breaks, or be a file\n"],
        [
          ["-b", "=s3cret"],
          "halyard get: --cookie NAME=VALUE|FILE must have a name and no line breaks, or be a file\n"
        ],
        [["--cookie-jar", "directory"], "halyard get: --cookie-jar directory: it is a directory\n"],
        [["--cookie-jar", "missing/jar"], "halyard get: --cookie-jar missing/jar: "]
      ] as const) {
        const { exitCode, stderr } = yield* run(["get", `${url}/a`, ...parameters], { cwd })
        assert.strictEqual(exitCode, 2, stderr)
        assert.isTrue(stderr.startsWith(sentence), stderr)
        assert.notInclude(stderr, "s3cret")
      }
      assert.deepStrictEqual(seen, [])
    })
  )
})
