/**
 * How `halyard get` answers: --quiet, --verbose, and the advice after failures.
 */
import { writeFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { linesOf, outcomesOf } from "../../../support/program/eventLines.js"
import { get } from "../../../support/program/get.js"
import { temporaryDirectory } from "../../../support/program/program.js"
import { http } from "../../../support/servers/loopback.js"

const answering = Effect.suspend(() =>
  http((request, response) => {
    const { pathname } = new URL(request.url ?? "", "http://origin")
    if (pathname.startsWith("/moved")) {
      response.writeHead(302, { location: "/a?token=s3cret", "set-cookie": "id=s3cret" }).end()
    } else if (pathname.startsWith("/status/")) {
      response.writeHead(Number(pathname.slice(8))).end()
    } else {
      response.writeHead(200, { etag: '"1"', "x-auth-token": "s3cret" }).end("content")
    }
  })
)

describe("halyard get --quiet", () => {
  it.scopedLive("prints failures only, in text and in JSON", () =>
    Effect.gen(function* () {
      const { url } = yield* answering
      const urls = [`${url}/a`, `${url}/x/a`, `${url}/status/404`]
      const text = yield* get(["-q", ...urls])
      assert.deepStrictEqual([text.exitCode, text.stdout, text.files], [1, "", ["a", "a-2"]])
      assert.strictEqual(text.stderr, `${url}/status/404: HTTP error 404 - Not Found\n`)
      const again = yield* get(["-q", `${url}/a`], { cwd: text.cwd })
      assert.deepStrictEqual([again.exitCode, again.stdout, again.stderr], [0, "", ""])
      const json = yield* get(["--quiet", "--json", ...urls])
      assert.deepStrictEqual([json.exitCode, json.stderr], [1, ""])
      assert.match(
        json.stdout,
        /^\{"event":"Run","schema":1,.*\}\n\{"event":"Finished","atMillis":\d+,"outcome":"Failed","index":3,.*\}\n$/
      )
      const fine = yield* get(["--quiet", "--json", `${url}/a`])
      assert.deepStrictEqual([fine.exitCode, fine.stdout, fine.stderr], [0, "", ""])
    })
  )

  it.scopedLive("is refused beside --verbose", () =>
    Effect.gen(function* () {
      const { exitCode, stderr } = yield* get(["-qv", "http://127.0.0.1:1/"])
      assert.strictEqual(exitCode, 2)
      assert.strictEqual(stderr, "halyard get: --quiet and --verbose contradict each other: give one of them\n")
    })
  )
})

describe("halyard get --verbose", () => {
  it.scopedLive("prints each response with its headers, without secrets", () =>
    Effect.gen(function* () {
      const { url } = yield* answering
      const { exitCode, stderr, stdout } = yield* get(["-v", `${url}/moved?key=s3cret`])
      assert.deepStrictEqual([exitCode, stdout], [0, "moved\n"])
      assert.include(stderr, `${url}/moved?key=…: 302\n  location: /a?token=…\n  set-cookie: …\n`)
      assert.include(stderr, `${url}/a?token=…: 200\n  etag: "1"\n  x-auth-token: …\n`)
      assert.notInclude(stderr, "s3cret")
    })
  )

  it.scopedLive("prints them as objects with --json", () =>
    Effect.gen(function* () {
      const { url } = yield* answering
      const { stdout } = yield* get(["-v", "--json", `${url}/moved`])
      const lines = linesOf(stdout)
      const responses = lines.flatMap((line) => (line.event === "Responded" ? [line] : []))
      assert.deepStrictEqual(
        lines.map(({ event }) => event).filter((event) => ["Responded", "Finished", "Report"].includes(event)),
        ["Responded", "Responded", "Finished", "Report"]
      )
      assert.deepStrictEqual(
        responses.map(({ responseUrl, status }) => [responseUrl, status]),
        [
          [`${url}/moved`, 302],
          [`${url}/a?token=…`, 200]
        ]
      )
      assert.strictEqual(responses[1]?.headers["etag"], '"1"')
      assert.deepInclude(outcomesOf(stdout)[0], { outcome: "Saved", status: 200 })
      assert.notInclude(stdout, "s3cret")
    })
  )

  it.scopedLive("has a line for each changed name, without a limit", () =>
    Effect.gen(function* () {
      const { url } = yield* answering
      const { stderr } = yield* get(["-v", ...Array.from({ length: 24 }, (_, index) => `${url}/${index}/a`)])
      assert.strictEqual(stderr.match(/because an earlier URL has the same name$/gm)?.length, 23)
    })
  )
})

describe("the slowest transfers", () => {
  it.scopedLive("are in the report of --verbose, with their times and rates, and not in that of one file", () =>
    Effect.gen(function* () {
      const { url } = yield* answering
      const several = yield* get(["-v", `${url}/a`, `${url}/b`, `${url}/status/404`])
      const rows = /^slowest:\n((?: {2}\S+ {2}[\d.]+ m?s {2}(?:\d+(?:\.\d)? k?B\/s|failed)\n){3})2 saved, 1 failed; /m
      const listed = rows.exec(several.stderr)?.[1]?.match(/^ {2}\S+/gm) ?? []
      assert.deepStrictEqual(listed.sort(), ["  404", "  a", "  b"])
      assert.notInclude((yield* get(["-v", `${url}/a`])).stderr, "slowest")
      assert.notInclude((yield* get([`${url}/a`, `${url}/b`])).stderr, "slowest")
    })
  )
})

describe("the advice of halyard get", () => {
  it.scopedLive("names the option that helps, once, after the failures and before the counts", () =>
    Effect.gen(function* () {
      const { url } = yield* answering
      const urls = [401, 403, 404, 401].map((status, index) => `${url}/status/${status}?${index}`)
      const { stderr } = yield* get([...urls, `${url}/a`])
      const [, after = ""] = stderr.split(/^4 failed:\n(?: {2}.*\n){4}/m)
      assert.match(after, /^hint: for 401, [^\n]*--[^\n]*\nhint: for 403, [^\n]*--[^\n]*\n1 saved, 4 failed; [^\n]*\n$/)
    })
  )

  it.scopedLive("is in the JSON object of a failed file", () =>
    Effect.gen(function* () {
      const { url } = yield* answering
      const { stdout } = yield* get(["--json", "--retries=0", `${url}/status/429`])
      const [failed] = outcomesOf(stdout)
      assert.match(failed?.outcome === "Failed" ? (failed.hint ?? "") : "", /^for 429 and 503, .*--per-origin 1$/)
    })
  )
})

describe("the report of halyard get about many failures", () => {
  it.scopedLive("repeats 20 of them, counts all by their reasons, and says what to type", () =>
    Effect.gen(function* () {
      const { url } = yield* answering
      const urls = [`${url}/ok`, `${url}/status/[404-404]?[1-300]`, `${url}/status/410?[1-2]`, "http://127.0.0.1:1/a"]
      const { exitCode, stderr } = yield* get([...urls, "--retries=0"])
      assert.strictEqual(exitCode, 1)
      const end = stderr.slice(stderr.indexOf("303 failed:\n")).trimEnd().split("\n")
      assert.strictEqual(end.filter((line) => /^ {2}http/.test(line)).length, 20)
      assert.deepStrictEqual(end.slice(21, 23), [
        "  and 283 more",
        "by reason: 300 HTTP error 404 - Not Found, 2 HTTP error 410 - Gone, 1 the connection was refused"
      ])
      assert.include(
        end.slice(23),
        "hint: --failed FILE writes a list of what failed, and halyard get -i FILE tries only that"
      )
      assert.strictEqual(end.at(-2), "280 more files with other names")
      assert.match(end.at(-1) ?? "", /^1 saved, 303 failed; /)
      assert.isBelow(end.length, 29)
      const listed = yield* get([...urls, "--retries=0", "--failed", "failed"])
      assert.notInclude(listed.stderr, "hint: --failed FILE")
      assert.match(listed.stderr, /^hint: halyard get -i failed {2}# tries the 303 items of the list again$/m)
    })
  )

  it.scopedLive("says how a URL begins, and that a list has none", () =>
    Effect.gen(function* () {
      const text = yield* get(["example.com"])
      assert.deepStrictEqual([text.exitCode, text.files], [1, []])
      assert.match(text.stderr, /^hint: a URL begins with https:\/\/ or http:\/\/; -i FILE reads a list of URLs$/m)
      const empty = yield* get(["-i", "/dev/null"])
      assert.strictEqual(empty.exitCode, 0)
      assert.match(empty.stderr, /^the input has no URL$/m)
      const cwd = yield* temporaryDirectory
      writeFileSync(`${cwd}/sums`, `${"0".repeat(64)}  a\n`)
      const sums = yield* get(["-i", "sums"], { cwd })
      assert.strictEqual(sums.exitCode, 2)
      assert.match(sums.stderr, /^(?:downloading\n)?halyard get: --input sums: it has checksums and no URLs; [^\n]*\n$/)
    })
  )
})
