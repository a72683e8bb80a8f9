/**
 * `--report` of `halyard get` and `halyard flags`: the page of a run.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { hasBrowser, needsBrowser, openFile, rowsOf } from "../../../support/browser.js"
import { get, origin } from "../../../support/program/get.js"
import { halyard, run, runCommand, temporaryDirectory } from "../../../support/program/program.js"
import { http } from "../../../support/servers/loopback.js"

const content = Buffer.alloc(20_000, "a")

/** An origin that is missing files, breaks connections and bodies, and refuses for a while or for ever. */
const faultyOrigin = Effect.suspend(() => {
  const turns = new Map<string, number>()
  return http((request, response) => {
    const path = request.url ?? ""
    const turn = turns.get(path) ?? 0
    turns.set(path, turn + 1)
    const [, kind = "", times = "0"] = /^\/([a-z]+)-\d+(?:-(\d+))?/.exec(path) ?? []
    const isFaulty = turn < Number(times)
    if (kind === "missing") {
      response.writeHead(404).end()
    } else if (kind === "reset" && isFaulty) {
      request.socket.destroy()
    } else if (kind === "busy" && isFaulty) {
      response.writeHead(503, { "retry-after": "0" }).end()
    } else if (kind === "truncated" && isFaulty) {
      response.writeHead(200, { "content-length": "20000", etag: `"1"` })
      response.write(content.subarray(0, 5000), () => request.socket.end())
    } else {
      response.writeHead(200, { "content-length": "20000", etag: `"1"` }).end(content)
    }
  })
})

const names = [
  ...Array.from({ length: 6 }, (_, index) => `missing-${index}`),
  ...Array.from({ length: 4 }, (_, index) => `reset-${index}-99`),
  ...Array.from({ length: 3 }, (_, index) => `busy-${index}-99`),
  ...Array.from({ length: 2 }, (_, index) => `truncated-${index}-99`),
  ...Array.from({ length: 5 }, (_, index) => `busy-${10 + index}-1`),
  ...Array.from({ length: 180 }, (_, index) => `fine-${index}`)
]

describe("halyard get --report", () => {
  it.scopedLive.skipIf(!hasBrowser)(
    `explains a run of 200 files against a faulty origin from the page alone${needsBrowser}`,
    () =>
      Effect.gen(function* () {
        const { url } = yield* faultyOrigin
        const cwd = yield* temporaryDirectory
        writeFileSync(`${cwd}/urls`, names.map((name) => `${url}/${name}?key=secret`).join("\n"))
        const ended = yield* get(["-i", "urls", "-d", "out", "--retries", "2", "--report", "run.html"], { cwd })
        assert.strictEqual(ended.exitCode, 1)
        assert.notInclude(ended.read("run.html"), "secret")
        const { page, problems, requests } = yield* openFile(`${cwd}/run.html`)
        const text = (selector: string) => Effect.promise(() => page.locator(selector).innerText())
        assert.strictEqual(yield* text("h1"), "15 of 200 files failed")
        const kinds = yield* text("#what-failed")
        assert.match(kinds, /6\nHTTP error 404 - Not Found · phase: response/)
        assert.match(kinds, /4\nthe connection was lost · phase: first byte/)
        assert.match(kinds, /3\nHTTP error 503 - Service Unavailable · phase: response/)
        assert.match(kinds, /2\nthe body broke off · phase: body/)
        const hints = yield* Effect.promise(() => page.locator("#what-failed .hints li").allInnerTexts())
        const printed = Array.from(ended.stderr.matchAll(/^hint: (.*)$/gm), ([, hint = ""]) => hint)
        assert.isAbove(printed.length, 1)
        assert.deepStrictEqual(hints, printed)
        const failures = yield* rowsOf(page, "failed-files-table")
        const phases = { missing: "response", reset: "first byte", busy: "response", truncated: "body" }
        const expected = names.slice(0, 15).map((name) => {
          const [kind = ""] = name.split("-")
          return [name, Reflect.get(phases, kind), kind === "missing" ? "0" : "2"]
        })
        assert.sameDeepMembers(
          failures.map(([name, , phase, retries]) => [name, phase, retries]),
          expected
        )
        // A file that was saved by its second attempt.
        yield* Effect.promise(() => page.locator("#all-transfers-filter").fill("busy-10-1"))
        const [row] = yield* rowsOf(page, "all-transfers-table")
        assert.strictEqual(row?.[1], "saved")
        assert.strictEqual(row?.[9], "1")
        yield* Effect.promise(() => page.locator("#all-transfers-table button").click())
        const attempts = yield* rowsOf(page, "requests-table")
        assert.deepStrictEqual(
          attempts.map(([attempt]) => attempt),
          ["1", "2"]
        )
        assert.strictEqual(attempts[0]?.[11], "HTTP error 503 - Service Unavailable")
        assert.deepStrictEqual([...problems, ...requests], [])
      })
  )

  it.scopedLive.skipIf(!hasBrowser)(`shows the 20 flags${needsBrowser}`, () =>
    Effect.gen(function* () {
      const cwd = yield* temporaryDirectory
      const ended = yield* run(["flags", "--report", "run.html"], { cwd })
      assert.strictEqual(ended.exitCode, 0, ended.stderr)
      const { page } = yield* openFile(`${cwd}/run.html`)
      assert.strictEqual(yield* Effect.promise(() => page.locator("h1").innerText()), "All 20 files were saved")
      const widths = yield* Effect.promise(() =>
        page.evaluate<ReadonlyArray<number>>("Array.from(document.images, (image) => image.naturalWidth)")
      )
      assert.strictEqual(widths.length, 20)
      assert.isTrue(widths.every((width) => width > 0))
    })
  )

  it.scopedLive("writes the page after Ctrl-C, and leaves nothing beside it", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const cwd = yield* temporaryDirectory
      const running = yield* halyard(
        ["get", `${url}/a`, `${url}/slow`, "-d", "out", "--no-resume", "--report", "run.html"],
        { cwd }
      )
      yield* running.awaitOutput(/^out\/a$/m)
      yield* running.signal("SIGINT")
      const ended = yield* running.ended
      assert.strictEqual(ended.exitCode, 130)
      assert.include(readFileSync(`${cwd}/run.html`, "utf8"), `"cancelled":1`)
      assert.sameMembers(readdirSync(cwd), ["out", "run.html"])
    })
  )

  it.scopedLive("writes the page after Ctrl-C before a pipe has a reader", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const cwd = yield* temporaryDirectory
      yield* runCommand("mkfifo", [`${cwd}/pipe`])
      const line = ["get", `${url}/a`, "-o", "pipe", "--report", "run.html", "--har", "run.har"]
      const running = yield* halyard(line, { cwd })
      yield* running.awaitOutput(/waiting for a reader/)
      yield* running.signal("SIGINT")
      assert.strictEqual((yield* running.ended).exitCode, 130)
      assert.sameMembers(readdirSync(cwd), ["pipe", "run.har", "run.html"])
    })
  )

  it.scopedLive("writes the page if a directory cannot be used, and if the first failure ends the run", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const cwd = yield* temporaryDirectory
      writeFileSync(`${cwd}/file`, "")
      const unusable = yield* get([`${url}/a`, "-d", "file/out", "--report", "run.html"], { cwd })
      assert.strictEqual(unusable.exitCode, 1)
      assert.include(unusable.read("run.html"), `"failed":1`)
      const first = yield* get([`${url}/missing`, `${url}/slow`, "--fail-fast", "--report", "run.html"], { cwd })
      assert.strictEqual(first.exitCode, 1)
      assert.include(first.read("run.html"), `"failed":1,"cancelled":1`)
    })
  )

  it.scopedLive("refuses a file that cannot be the report before any request", () =>
    Effect.gen(function* () {
      const requests: Array<string> = []
      const { url } = yield* http((request, response) => {
        requests.push(request.url ?? "")
        response.end("x")
      })
      const cwd = yield* temporaryDirectory
      mkdirSync(`${cwd}/directory`)
      writeFileSync(`${cwd}/urls`, `${url}/a`)
      const refusals: ReadonlyArray<readonly [ReadonlyArray<string>, string]> = [
        [["--report", "-"], "--report -: it must be a file"],
        [["--report", "directory"], "--report directory: it is a directory"],
        [
          ["--report", "none/run.html"],
          "--report none/run.html: cannot write none/run.html: the directory does not exist"
        ],
        [["--report", "urls"], "--report urls: it is also the file of --input"],
        [["--report", "same", "--failed", "./same"], "--report same: it is also the file of --failed"]
      ]
      for (const [options, message] of refusals) {
        const ended = yield* get(["-i", "urls", ...options], { cwd })
        assert.strictEqual(ended.exitCode, 2, message)
        assert.include(ended.stderr, `halyard get: ${message}`)
      }
      assert.deepStrictEqual(requests, [])
      assert.strictEqual(readFileSync(`${cwd}/urls`, "utf8"), `${url}/a`)
    })
  )

  it.scopedLive("refuses each file that the run reads or writes", () =>
    Effect.gen(function* () {
      const { connections, url } = yield* origin
      const cwd = yield* temporaryDirectory
      const home = `${cwd}/home`
      mkdirSync(home)
      writeFileSync(`${home}/.netrc`, "machine x login y password z\n", { mode: 0o600 })
      const files = ["header", "cookie", "data", "netrc", "options.toml", "sums", "halyard.toml"]
      for (const file of files) {
        writeFileSync(`${cwd}/${file}`, file === "header" ? "x-a: 1\n" : "", { mode: 0o600 })
      }
      const uses: ReadonlyArray<readonly [file: string, use: string, ...ReadonlyArray<string>]> = [
        ["header", "--header", "-H", "@header"],
        ["header", "--header", "-H", "x-b: 1", "-H", "@./header"],
        ["cookie", "--cookie", "-b", "cookie"],
        ["data", "--data", "--data", "@data"],
        ["netrc", "--netrc-file", "--netrc-file", "netrc"],
        ["home/.netrc", "--netrc", "--netrc"],
        ["options.toml", "--config", "--config", "options.toml"],
        ["halyard.toml", "the configuration"],
        ["sums", "--sums", "--sums", "sums"],
        ["home/.halyard.ndjson", "the saved state"],
        ["journal", "--journal", "--journal", "journal"],
        ["jar", "--cookie-jar", "--cookie-jar", "jar"],
        ["home/a", "--output", "-o", "a", "-d", "home"]
      ]
      for (const option of ["--report", "--har"]) {
        for (const [file, use, ...parameters] of uses) {
          const ended = yield* get([`${url}/a`, ...parameters, option, file], { cwd, env: { HOME: home } })
          assert.deepStrictEqual(
            [ended.exitCode, ended.stderr],
            [2, `halyard get: ${option} ${file}: it is also the file of ${use}\n`]
          )
        }
      }
      assert.strictEqual(connections(), 0)
      assert.strictEqual(readFileSync(`${cwd}/header`, "utf8"), "x-a: 1\n")
      const flags = yield* run(["flags", "BR", "--report", "both", "--har", "both"], { cwd })
      assert.strictEqual(flags.stderr, "halyard flags: --har both: it is also the file of --report\n")
    })
  )

  it.scopedLive("keeps a file that the run has saved under the name of the report, and fails", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const ended = yield* get([`${url}/run.html`, "--report", "run.html"])
      assert.strictEqual(ended.exitCode, 1)
      assert.include(ended.stderr, "--report run.html: it is also the destination of a download, which stays\n")
      assert.strictEqual(ended.read("run.html"), "content of /run.html")
    })
  )

  it.scopedLive("keeps a file that an earlier run has saved under the name of the report, and fails", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const cwd = yield* temporaryDirectory
      mkdirSync(`${cwd}/out`)
      for (const option of ["--report", "--har"]) {
        for (const again of [false, true]) {
          const ended = yield* get([`${url}/run.html`, "-d", "out", option, "out/run.html"], { cwd })
          assert.strictEqual(ended.exitCode, 1, `${option}, ${again}`)
          assert.include(
            ended.stderr,
            `${option} out/run.html: it is also the destination of a download, which stays\n`
          )
          assert.strictEqual(ended.read("out/run.html"), "content of /run.html")
        }
      }
    })
  )

  it.scopedLive("replaces an earlier report, and keeps it if the run is a dry run", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const cwd = yield* temporaryDirectory
      writeFileSync(`${cwd}/run.html`, "old")
      yield* get([`${url}/a`, "--dry-run", "--report", "run.html"], { cwd })
      assert.strictEqual(readFileSync(`${cwd}/run.html`, "utf8"), "old")
      const ended = yield* get([`${url}/a`, "ftp://x/y", "--report", "run.html"], { cwd })
      assert.include(ended.read("run.html"), `"saved":1,"skipped":0,"notModified":0,"failed":1`)
      assert.isFalse(existsSync(`${cwd}/run.html.part`))
      assert.isAbove(statSync(`${cwd}/run.html`).size, 50_000)
    })
  )
})
