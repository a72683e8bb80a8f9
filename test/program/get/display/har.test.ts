/**
 * `--har` and `--show-urls`.
 */
import { mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { flags } from "../../../support/program/flagsRun.js"
import { get } from "../../../support/program/get.js"
import { filesIn, halyard, run, temporaryDirectory } from "../../../support/program/program.js"
import { entriesOf } from "../../../support/recorded/harSchema.js"
import { http } from "../../../support/servers/loopback.js"
import { slowFile } from "../../../support/servers/slowFile.js"

const origin = Effect.suspend(() => {
  let isFirst = true
  return http((request, response) => {
    const path = (request.url ?? "").replace(/\?.*/, "")
    if (path === "/again" && isFirst) {
      isFirst = false
      response.writeHead(503, { "retry-after": "0" }).end("busy")
    } else if (path === "/missing") {
      response.writeHead(404).end()
    } else if (path === "/moved") {
      response.writeHead(302, { location: "/ok?token=s3cret", "set-cookie": "id=s3cret" }).end()
    } else if (path === "/slow") {
      response.writeHead(200, { "content-length": "10" }).write("0123")
    } else {
      response.writeHead(200, { etag: '"1"', "content-type": "text/plain" }).end("content")
    }
  })
})

const har = (cwd: string, name = "run.har") => entriesOf(readFileSync(`${cwd}/${name}`, "utf8"))

const leftIn = (cwd: string) => filesIn(cwd).filter((name) => name.startsWith(".halyard-"))

describe("--har of halyard get", () => {
  it.scopedLive("has each request: first ones, redirects, retries and failures", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const paths = ["ok", "moved?key=s3cret", "again", "missing"].map((path) => `${url}/${path}`)
      const options = ["-c1", "--retries=1", "-H", "authorization: Bearer s3cret", "--har", "run.har"]
      const { cwd, exitCode, stdout } = yield* get([...paths, "http://127.0.0.1:1/refused", ...options])
      assert.strictEqual(exitCode, 1)
      assert.strictEqual(stdout, "ok\nmoved\nagain\n")
      const entries = har(cwd)
      const masked = (name: string) => `${name}=%E2%80%A6`
      // A retry is later than the files after it.
      assert.sameDeepMembers(
        entries.map(({ request, response }) => [request.url, response.status]),
        [
          [`${url}/ok`, 200],
          [`${url}/moved?${masked("key")}`, 302],
          [`${url}/ok?${masked("token")}`, 200],
          [`${url}/again`, 503],
          [`${url}/again`, 200],
          [`${url}/missing`, 404],
          ["http://127.0.0.1:1/refused", 0],
          ["http://127.0.0.1:1/refused", 0]
        ]
      )
      const [first, redirected] = entries
      assert.deepInclude(first?.request.headers ?? [], { name: "authorization", value: "…" })
      assert.deepInclude(first?.response.headers ?? [], { name: "etag", value: '"1"' })
      assert.deepInclude(first?.response.content, { size: 7, mimeType: "text/plain" })
      assert.deepInclude(first, { serverIPAddress: "127.0.0.1", comment: "ok" })
      assert.strictEqual(redirected?.response.redirectURL, `${url}/ok?${masked("token")}`)
      assert.sameMembers(
        entries.map(({ comment }) => comment),
        ["ok", "moved", "moved", "again", "again, attempt 2", "missing", "refused", "refused, attempt 2"]
      )
      assert.notInclude(readFileSync(`${cwd}/run.har`, "utf8"), "s3cret")
      assert.deepStrictEqual(leftIn(cwd), [])
    })
  )

  it.scopedLive("has the ranges of segments, sorted by their start", () =>
    Effect.gen(function* () {
      const { ranges, url } = yield* slowFile(6 * 1024 * 1024, 3)
      const { cwd, exitCode } = yield* get([`${url}/a`, "--har", "run.har", "--segments=3"])
      assert.strictEqual(exitCode, 0)
      const asked = har(cwd).map(({ request }) => request.headers.find(({ name }) => name === "range")?.value)
      assert.isAtLeast(asked.length, 3)
      assert.includeMembers(asked, [...ranges()])
    })
  )

  it.scopedLive("is valid after an interruption, and replaces what the file had", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const cwd = yield* temporaryDirectory
      writeFileSync(`${cwd}/target.har`, "an earlier archive")
      symlinkSync("target.har", `${cwd}/run.har`)
      const running = yield* halyard(["get", `${url}/ok`, `${url}/slow`, "--har", "run.har", "--json", "-c1"], { cwd })
      yield* running.awaitOutput(/"index":2/)
      assert.strictEqual(readFileSync(`${cwd}/target.har`, "utf8"), "an earlier archive")
      yield* running.signal("SIGINT")
      assert.strictEqual((yield* running.ended).exitCode, 130)
      assert.deepStrictEqual(
        har(cwd, "target.har").map(({ request }) => request.url),
        [`${url}/ok`, `${url}/slow`]
      )
      assert.deepStrictEqual(leftIn(cwd), [])
    })
  )

  it.scopedLive("is an empty archive if there was no request", () =>
    Effect.gen(function* () {
      const { exitCode, read } = yield* get(["-i", "/dev/null", "--har", "run.har"])
      assert.strictEqual(exitCode, 0)
      assert.deepStrictEqual(entriesOf(read("run.har")), [])
    })
  )

  it.scopedLive("is refused before any request if the file cannot be written or has another use", () =>
    Effect.gen(function* () {
      const { connections, url } = yield* origin
      const cwd = yield* temporaryDirectory
      mkdirSync(`${cwd}/directory`)
      writeFileSync(`${cwd}/list`, `${url}/ok\n`)
      for (const [parameters, problem] of [
        [["--har", "no/such/run.har"], /^halyard get: --har no\/such\/run\.har: .*does not exist\n$/],
        [["--har", "directory"], /^halyard get: --har directory: it is a directory\n$/],
        [["--har", "-"], /^halyard get: --har -: it must be a file, because its content is replaced at the end\n$/],
        [["--har", "list", "-i", "list"], /^halyard get: --har list: it is also the file of --input\n$/],
        [["--har", "x", "--failed", "x"], /^halyard get: --har x: it is also the file of --failed\n$/]
      ] as const) {
        const { exitCode, stderr } = yield* get([`${url}/ok`, ...parameters], { cwd })
        assert.strictEqual(exitCode, 2, stderr)
        assert.match(stderr, problem)
      }
      assert.strictEqual(connections(), 0)
      assert.deepStrictEqual(leftIn(cwd), [])
      assert.strictEqual(readFileSync(`${cwd}/list`, "utf8"), `${url}/ok\n`)
    })
  )

  it.scopedLive("leaves a file that the run has saved under its name", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const { exitCode, read, stderr } = yield* get([`${url}/run.har`, "--har", "run.har"])
      assert.deepStrictEqual([exitCode, read("run.har")], [1, "content"])
      assert.match(stderr, /^--har run\.har: it is also the destination of a download, which stays$/m)
    })
  )

  it.scopedLive("is left alone by --dry-run", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const { files } = yield* get([`${url}/ok`, "--dry-run", "--har", "run.har"])
      assert.deepStrictEqual(files, [])
    })
  )
})

describe("--har of halyard report", () => {
  it.scopedLive("makes the archive from the lines of the run", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const urls = [`${url}/moved?key=s3cret`, `${url}/again`, `${url}/missing`]
      const { cwd, stdout } = yield* get([...urls, "--json", "--har", "run.har", "--retries=1"])
      writeFileSync(`${cwd}/run.ndjson`, stdout)
      const made = yield* run(["report", "run.ndjson", "--har", "made.har"], { cwd })
      assert.deepStrictEqual([made.exitCode, made.stdout, made.stderr], [0, "", ""])
      assert.strictEqual(har(cwd, "made.har").length, 5)
      assert.deepStrictEqual(har(cwd, "made.har"), har(cwd))
      const same = yield* run(["report", "run.ndjson", "--har", "run.ndjson"], { cwd })
      assert.deepStrictEqual(
        [same.exitCode, same.stderr],
        [2, "halyard report: --har run.ndjson: it is also the file of the run\n"]
      )
      assert.strictEqual(readFileSync(`${cwd}/run.ndjson`, "utf8"), stdout)
    })
  )
})

describe("--har of halyard flags", () => {
  it.scopedLive("has a request for each flag", () =>
    Effect.gen(function* () {
      const cwd = yield* temporaryDirectory
      const { exitCode } = yield* flags(["BR", "CN", "ZZ", "--har", `${cwd}/run.har`])
      assert.strictEqual(exitCode, 1)
      assert.sameMembers(
        har(cwd).map(({ request, response }) => `${new URL(request.url).pathname} ${response.status}`),
        ["/br/br.gif 200", "/cn/cn.gif 200", "/zz/zz.gif 404"]
      )
    })
  )

  it.scopedLive("is refused with --engine threads", () =>
    Effect.gen(function* () {
      const { exitCode, saved, stderr } = yield* flags(["BR", "--har", "run.har", "--engine", "threads"])
      assert.deepStrictEqual([exitCode, saved], [2, []])
      assert.strictEqual(stderr, "halyard flags: --har FILE needs --engine fibers or sequential\n")
    })
  )
})

describe("--show-urls of halyard get", () => {
  it.scopedLive("shows URLs as they were given in lines, also those of redirects and failures", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const gone = `${url.replace("//", "//me:s3cret@")}/missing?key=s3cret`
      const urls = [`${url}/moved?key=s3cret`, gone, "ftp://me:s3cret@a.example/"]
      const without = yield* get([...urls, "-v"])
      assert.notInclude(without.stdout + without.stderr, "s3cret")
      const shown = yield* get([...urls, "-v", "--show-urls"])
      assert.include(shown.stderr, `${url}/ok?token=s3cret: 200\n`)
      assert.include(shown.stderr, `${gone}: HTTP error 404 - Not Found\n`)
      assert.include(shown.stderr, "ftp://me:s3cret@a.example/: ")
      const planned = yield* get([...urls.slice(0, 2), "--dry-run", "--show-urls"])
      assert.include(planned.stdout, gone)
    })
  )

  it.scopedLive("keeps URLs as they were given, in --json, --har and --report", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const secret = `${url.replace("//", "//me:s3cret@")}/moved?key=s3cret`
      const options = ["-v", "--json", "--har", "run.har", "--report", "run.html"]
      const without = yield* get([secret, `${url}/missing?key=s3cret`, ...options])
      assert.notInclude(without.stdout + without.stderr + without.read("run.har") + without.read("run.html"), "s3cret")
      const shown = yield* get([secret, `${url}/missing?key=s3cret`, ...options, "--show-urls"])
      assert.include(shown.stdout, `"url":"${secret}"`)
      assert.include(shown.stdout, `"url":"${url}/ok?token=s3cret"`)
      // A redirect within an origin keeps the credentials.
      assert.include(shown.stdout, `"responseUrl":"${url.replace("//", "//me:s3cret@")}/ok?token=s3cret"`)
      assert.match(shown.stdout, /"error":\{[^}]*"url":"[^"]*\/missing\?key=s3cret"/)
      assert.include(shown.read("run.html"), "/missing?key=s3cret")
      const entries = har(shown.cwd)
      assert.deepInclude(entries[0]?.request.queryString ?? [], { name: "key", value: "s3cret" })
      assert.strictEqual(statSync(`${shown.cwd}/run.har`).mode & 0o777, 0o600)
      assert.notInclude(shown.stderr, "s3cret")
      assert.strictEqual(entries[0]?.response.redirectURL, `${url}/ok?token=s3cret`)
      assert.include(shown.stdout, `"redirectUrl":"${url}/ok?token=s3cret"`)
      // The headers of a request and of a response have no secrets in any case.
      assert.notInclude(
        JSON.stringify(entries.map(({ request, response }) => [request.headers, response.headers])),
        "s3cret"
      )
    })
  )
})
