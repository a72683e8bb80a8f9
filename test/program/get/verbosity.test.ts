/**
 * How `halyard get` answers: --quiet, --verbose, and the advice after failures.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { get } from "../../support/get.js"
import { http } from "../../support/loopback.js"

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
      assert.match(json.stdout, /^\{"outcome":"Failed","index":3,.*\}\n$/)
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
      const events = stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line))
      assert.deepStrictEqual(
        events.map(({ event, outcome, responseUrl, status }) => [event ?? outcome, responseUrl, status]),
        [
          ["Responded", `${url}/moved`, 302],
          ["Responded", `${url}/a?token=…`, 200],
          ["Saved", undefined, 200],
          [undefined, undefined, undefined]
        ]
      )
      assert.strictEqual(events[1].headers.etag, '"1"')
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

describe("the advice of halyard get", () => {
  it.scopedLive("names the option that helps, once, at the end", () =>
    Effect.gen(function* () {
      const { url } = yield* answering
      const urls = [401, 403, 404, 401].map((status, index) => `${url}/status/${status}?${index}`)
      const { stderr } = yield* get([...urls, `${url}/a`])
      const [, after = ""] = stderr.split(/^1 saved, 4 failed; .*\n/m)
      assert.match(after, /^hint: for 401, [^\n]*--[^\n]*\nhint: for 403, [^\n]*--[^\n]*\n$/)
    })
  )

  it.scopedLive("is in the JSON object of a failed file", () =>
    Effect.gen(function* () {
      const { url } = yield* answering
      const { stdout } = yield* get(["--json", "--retries=0", `${url}/status/429`])
      assert.match(JSON.parse(stdout.split("\n")[0] ?? "").hint, /^for 429 and 503, .*--per-origin 1$/)
    })
  )
})
