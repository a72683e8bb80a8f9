/**
 * What `halyard get` prints of retries, failures, other names and redirects.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { outcomesOf } from "../../../support/program/eventLines.js"
import { halyard, run, temporaryDirectory } from "../../../support/program/program.js"
import { ctrlC, halyardOnTerminal, itOnTerminal } from "../../../support/program/pseudoTerminal.js"
import { http } from "../../../support/servers/loopback.js"

/** Asks to be left alone for 100 seconds. */
const busy = Effect.suspend(() =>
  http((_, response) => response.writeHead(429, { "retry-after": "100", "content-length": "0" }).end())
)

const waited = (url: string) => new RegExp(`^${url}/a: HTTP error 429 - Too Many Requests; retrying in 1\\d\\d s$`, "m")

describe("a retry of halyard get", () => {
  it.scopedLive("is reported on standard error", () =>
    Effect.gen(function* () {
      const { url } = yield* busy
      const cwd = yield* temporaryDirectory
      const running = yield* halyard(["get", `${url}/a`], { cwd })
      yield* running.awaitOutput(/retrying in/)
      yield* running.signal("SIGINT")
      const { exitCode, stderr, stdout } = yield* running.ended
      assert.deepStrictEqual([exitCode, stdout], [130, ""])
      assert.match(stderr, waited(url))
    })
  )

  itOnTerminal(
    "is counted down below the status line, and leaves a line",
    Effect.gen(function* () {
      const { url } = yield* busy
      const cwd = yield* temporaryDirectory
      const terminal = yield* halyardOnTerminal(["get", `${url}/a`], { cwd, columns: 160 })
      yield* terminal.awaitRows(
        /^a {2}[|/\\-] {2}0 B {2}1 retry\nretry in 1m\d\ds: HTTP error 429 - Too Many Requests$/m
      )
      yield* terminal.type(ctrlC)
      assert.strictEqual((yield* terminal.ended).exitCode, 130)
      assert.match(terminal.rows().join("\n"), waited(url))
      assert.notMatch(terminal.rows().join("\n"), /1 retry|retry in/)
    })
  )

  it.scopedLive("adds nothing to --json", () =>
    Effect.gen(function* () {
      const { url } = yield* busy
      const cwd = yield* temporaryDirectory
      const running = yield* halyard(["get", `${url}/a`, "--json"], { cwd })
      yield* running.awaitOutput(/"event":"Retrying"/)
      yield* running.signal("SIGINT")
      assert.strictEqual((yield* running.ended).stderr, "downloading\n")
    })
  )
})

describe("the failures of halyard get", () => {
  const refusing = Effect.suspend(() =>
    http((request, response) => response.writeHead(request.url?.startsWith("/a") ? 200 : 404).end())
  )

  itOnTerminal(
    "are repeated at the end on a terminal, at most 20 of them",
    Effect.gen(function* () {
      const { url } = yield* refusing
      const cwd = yield* temporaryDirectory
      const urls = Array.from({ length: 25 }, (_, index) => `${url}/no${index}`)
      const terminal = yield* halyardOnTerminal(["get", ...urls, `${url}/a`], { cwd, columns: 120 })
      assert.strictEqual((yield* terminal.ended).exitCode, 1)
      const rows = terminal.rows()
      const start = rows.indexOf("25 failed:")
      assert.isAbove(start, 25)
      for (const row of rows.slice(start + 1, start + 21)) {
        assert.match(row, /^ {2}http:\S+\/no\d+: HTTP error 404 - Not Found$/)
      }
      assert.strictEqual(rows[start + 21], "  and 5 more")
      assert.strictEqual(rows[start + 22], "by reason: 25 HTTP error 404 - Not Found")
      assert.match(rows[start + 23] ?? "", /^hint: --failed FILE /)
      assert.match(rows[start + 24] ?? "", /^1 saved, 25 failed; /)
    })
  )

  it.scopedLive("are repeated without a terminal if other files did not fail", () =>
    Effect.gen(function* () {
      const { url } = yield* refusing
      const cwd = yield* temporaryDirectory
      const some = yield* run(["get", `${url}/a`, `${url}/no`], { cwd })
      assert.strictEqual(some.stderr.match(/\/no: HTTP error 404/g)?.length, 2)
      const all = yield* run(["get", `${url}/no1`, `${url}/no2`], { cwd })
      assert.strictEqual(all.stderr.match(/\/no1: HTTP error 404/g)?.length, 1)
    })
  )
})

describe("a file of halyard get that is not saved under its own name", () => {
  it.scopedLive("is reported, whether it is skipped or renamed, up to 20 of each kind", () =>
    Effect.gen(function* () {
      const { url } = yield* http((_, response) => response.end())
      const cwd = yield* temporaryDirectory
      const first = yield* run(["get", `${url}/x/a`, `${url}/y/a?key=s3cret`, `${url}/b`], { cwd })
      assert.include(first.stderr, `\n${url}/y/a?key=…: named a-2, because an earlier URL has the same name\n`)
      const skipped = yield* run(["get", `${url}/a`, `${url}/b`, "--on-exists=skip"], { cwd })
      assert.match(skipped.stderr, /^a: skipped, because it exists$/m)
      assert.match(skipped.stderr, /^b: skipped, because it exists$/m)
      const unique = yield* run(["get", `${url}/b`, "--on-exists=unique"], { cwd })
      assert.match(unique.stderr, /^b exists: saved as b-2$/m)
      const many = yield* run(["get", ...Array.from({ length: 23 }, (_, index) => `${url}/${index}/c`), "x y", "x z"], {
        cwd
      })
      assert.strictEqual(many.stderr.match(/because an earlier URL has the same name/g)?.length, 20)
      assert.match(many.stderr, /^2 more files with other names$/m)
    })
  )
})

describe("a failed redirect", () => {
  it.scopedLive("is reported with its target and without secrets", () =>
    Effect.gen(function* () {
      const end = yield* http((_, response) => response.writeHead(404).end())
      const { url } = yield* http((request, response) =>
        request.url === "/direct"
          ? response.writeHead(404).end()
          : response.writeHead(302, { location: `${end.url}/gone?key=s3cret` }).end()
      )
      const cwd = yield* temporaryDirectory
      const line = ["get", `${url}/a`, `${url.replace("//", "//me:s3cret@")}/direct#x`, "http://me:s3cret@127.0.0.1:1/"]
      const text = yield* run([...line, "--retries=0"], { cwd })
      assert.strictEqual(text.exitCode, 1)
      assert.include(text.stderr, `${url}/a: HTTP error 404 - Not Found (redirected to ${end.url}/gone?key=…)\n`)
      assert.match(text.stderr, /\/direct: HTTP error 404 - Not Found\n/)
      assert.match(text.stderr, /:1\/: the connection was refused \(ECONNREFUSED\)\n/)
      assert.notInclude(text.stderr, "s3cret")
      const json = yield* run(["get", "--json", `${url}/a`], { cwd })
      const [failed] = outcomesOf(json.stdout)
      assert.deepInclude(failed, { outcome: "Failed", url: `${url}/a` })
      assert.deepInclude(failed?.outcome === "Failed" ? failed.error : {}, {
        _tag: "HttpStatus",
        url: `${end.url}/gone?key=…`,
        message: "HTTP error 404 - Not Found"
      })
    })
  )
})
