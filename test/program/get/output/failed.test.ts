/**
 * `--failed` of `halyard get`: the list for the next run.
 */
import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { get, sha256 } from "../../../support/program/get.js"
import { filesIn, halyard, temporaryDirectory } from "../../../support/program/program.js"
import { http } from "../../../support/servers/loopback.js"

/** Answers 404 for each path in `broken`, and never ends `/slow…` while it is set. */
const server = Effect.gen(function* () {
  const broken = new Set<string>()
  const state = { isSlow: true }
  const requests: Array<string> = []
  const origin = yield* http((request, response) => {
    const path = request.url ?? ""
    requests.push(path)
    if (broken.has(path)) {
      response.writeHead(404).end()
    } else if (path.startsWith("/slow") && state.isSlow) {
      response.writeHead(200, { "content-length": "10" }).write("0123")
    } else {
      response.end(`content of ${path}`)
    }
  })
  return { url: origin.url, broken, state, requests: () => requests.splice(0) }
})

const list = (text: string): ReadonlyArray<Record<string, unknown>> =>
  text.split("\n").flatMap((line) => (line === "" || line.startsWith("#") ? [] : [JSON.parse(line)]))

const urlsOf = (text: string) => list(text).map(({ url }) => url)

describe("halyard get --failed", () => {
  it.scopedLive("writes a list with which the next run fetches exactly what has failed, under the same names", () =>
    Effect.gen(function* () {
      const { broken, requests, url } = yield* server
      const cwd = yield* temporaryDirectory
      const paths = ["/x/data?key=1", "/y/data?key=2", "/z", "/named"]
      for (const path of paths) {
        broken.add(path)
      }
      const fine = Array.from({ length: 20 }, (_, index) => `${url}/f${index}`)
      const sum = sha256("content of /named")
      const bad = "ftp://user:pw@host/a b"
      writeFileSync(
        `${cwd}/urls`,
        [
          ...fine,
          ...paths.map((path) => url + path),
          `  out=sub/its name`,
          `  checksum=${sum}`,
          "  header=X-Key: secret",
          bad
        ].join("\n")
      )
      writeFileSync(`${cwd}/failed`, "old")
      const first = yield* get(["-i", "urls", "-d", "out", "--failed", "failed"], { cwd })
      assert.strictEqual(first.exitCode, 1)
      assert.strictEqual(statSync(`${cwd}/failed`).mode & 0o777, 0o600)
      const text = first.read("failed")
      assert.notInclude(text, "secret")
      assert.sameDeepMembers(list(text).slice(), [
        { url: `${url}/x/data?key=1`, name: "data" },
        { url: `${url}/y/data?key=2`, name: "data-2" },
        { url: `${url}/z`, name: "z" },
        { url: `${url}/named`, name: "sub/its name", checksum: sum }
      ])
      assert.match(text, /^# urls, line 28: /m)
      assert.include(text, `# ${JSON.stringify({ url: bad })}\n`)
      assert.include(first.stderr, "--failed failed: it has 1 refused item as comments\n")
      assert.include(first.stderr, "--failed failed: it has no headers, and 1 of its items had some in their list\n")
      assert.match(first.stderr, /^hint: halyard get -i failed -d out {2}# tries the 4 items/m)
      assert.notInclude(first.stderr, "the same command again")
      broken.clear()
      requests()
      const second = yield* get(["-i", "failed", "-d", "out", "--failed", "failed"], { cwd })
      assert.strictEqual(second.exitCode, 0, second.stderr)
      assert.sameMembers(requests(), paths)
      assert.strictEqual(second.read("out/data"), "content of /x/data?key=1")
      assert.strictEqual(second.read("out/data-2"), "content of /y/data?key=2")
      assert.strictEqual(second.read("out/sub/its name"), "content of /named")
      assert.strictEqual(second.read("failed"), "")
      assert.strictEqual((yield* get(["-i", "failed"], { cwd })).exitCode, 0)
      assert.deepStrictEqual(filesIn(cwd), ["failed", "out", "urls"])
    })
  )

  it.scopedLive("has what an interrupted run has cancelled and not begun, also if it is the list of the run", () =>
    Effect.gen(function* () {
      const { broken, requests, state, url } = yield* server
      const cwd = yield* temporaryDirectory
      broken.add("/gone")
      const rest = Array.from({ length: 400 }, (_, index) => `${url}/r${index}/data`)
      const all = [`${url}/a`, `${url}/gone`, `${url}/slow1`, `${url}/slow2`, ...rest]
      writeFileSync(`${cwd}/urls`, all.join("\n"))
      symlinkSync("urls", `${cwd}/link`)
      const running = yield* halyard(["get", "-i", "urls", "-c", "2", "--failed", "link"], { cwd })
      yield* running.awaitOutput(/^a$/m)
      yield* running.awaitOutput(/gone: .*404/)
      yield* running.signal("SIGINT")
      const ended = yield* running.ended
      assert.strictEqual(ended.exitCode, 130)
      const text = readFileSync(`${cwd}/urls`, "utf8")
      const left = urlsOf(text)
      assert.sameMembers(left.slice(), all.slice(1), ended.stderr)
      const names = list(text).map(({ name }) => name)
      assert.strictEqual(new Set(names).size, names.length)
      assert.strictEqual(list(text).find((item) => item["url"] === rest[0])?.["name"], "data")
      assert.strictEqual(list(text).find((item) => item["url"] === rest[399])?.["name"], "data-400")
      assert.match(ended.stderr, /^hint: halyard get -i link {2}# tries the 403 items/m)
      // The items that were not begun have no lines.
      assert.notMatch(ended.stderr, /[1-9]\d{2} more files with other names/)
      broken.clear()
      state.isSlow = false
      requests()
      const again = yield* get(["-i", "urls", "--failed", "urls", "--durability", "rename"], { cwd })
      assert.strictEqual(again.exitCode, 0, again.stderr)
      assert.strictEqual(requests().length, all.length - 1)
      assert.strictEqual(again.read("data-400"), "content of /r399/data")
      assert.strictEqual(again.read("urls"), "")
    })
  )

  it.scopedLive("has what --fail-fast has stopped, with the names of a template", () =>
    Effect.gen(function* () {
      const { broken, url } = yield* server
      broken.add("/2")
      const { exitCode, read, stderr } = yield* get([
        `${url}/[1-40]`,
        "-c",
        "1",
        "--fail-fast",
        "--name",
        "{index:03}",
        "--failed",
        "failed"
      ])
      assert.strictEqual(exitCode, 1)
      const items = list(read("failed"))
      assert.sameDeepMembers(
        items.slice(),
        Array.from({ length: 39 }, (_, index) => ({
          url: `${url}/${index + 2}`,
          name: `${index + 2}`.padStart(3, "0")
        })),
        stderr
      )
    })
  )

  it.scopedLive("says that the rest of a pipe is not in it", () =>
    Effect.gen(function* () {
      const { url } = yield* server
      const cwd = yield* temporaryDirectory
      const running = yield* halyard(["get", "-i", "-", "--failed", "failed"], { cwd, stdin: "open" })
      yield* running.type(`${url}/a\n${url}/slow\n`)
      yield* running.awaitOutput(/^a$/m)
      yield* running.signal("SIGTERM")
      const ended = yield* running.ended
      assert.strictEqual(ended.exitCode, 143)
      assert.include(ended.stderr, "--failed failed: the rest of the input, if there is more, is not in it\n")
      const urls = urlsOf(readFileSync(`${cwd}/failed`, "utf8"))
      assert.isTrue(urls.length <= 1 && urls.every((one) => one === `${url}/slow`))
    })
  )

  it.scopedLive("keeps the names of -o, and leaves those of -J to the server", () =>
    Effect.gen(function* () {
      const { broken, url } = yield* server
      broken.add("/a")
      const elsewhere = yield* temporaryDirectory
      const one = yield* get([`${url}/a`, "-o", `${elsewhere}/b`, "--failed", "it's failed"])
      assert.deepStrictEqual(list(one.read("it's failed")), [{ url: `${url}/a`, name: "b" }])
      assert.include(one.stderr, `hint: halyard get -i 'it'\\''s failed' -d ${elsewhere}  #`)
      const byServer = yield* get([`${url}/a`, "-J", "--failed", "failed"])
      assert.deepStrictEqual(list(byServer.read("failed")), [{ url: `${url}/a` }])
      assert.include(byServer.stderr, "hint: halyard get -i failed -J  #")
      const stream = yield* get([`${url}/a`, "-o", "-", "--failed", "failed"])
      assert.deepStrictEqual(list(stream.read("failed")), [{ url: `${url}/a` }])
      assert.notInclude(stream.stderr, "halyard get -i")
    })
  )

  it.scopedLive("is empty if nothing has failed, and is left alone by a dry run and a wrong command line", () =>
    Effect.gen(function* () {
      const { url } = yield* server
      const cwd = yield* temporaryDirectory
      writeFileSync(`${cwd}/failed`, "old")
      yield* get([`${url}/a`, "--dry-run", "--failed", "failed"], { cwd })
      const wrong = yield* get([`${url}/a`, "--failed", "failed", "--proxy", "no proxy"], { cwd })
      assert.strictEqual(wrong.exitCode, 2)
      assert.strictEqual(wrong.read("failed"), "old")
      const done = yield* get([`${url}/a`, "--failed", "failed"], { cwd })
      assert.strictEqual(done.exitCode, 0)
      assert.strictEqual(done.read("failed"), "")
      assert.deepStrictEqual(filesIn(cwd), ["a", "failed"])
    })
  )

  it.scopedLive("keeps a file that the run has saved under the name of the list, and fails", () =>
    Effect.gen(function* () {
      const { url } = yield* server
      const { exitCode, files, read, stderr } = yield* get([`${url}/list`, "--failed", "list"])
      assert.strictEqual(exitCode, 1)
      assert.include(stderr, "--failed list: it is also the destination of a download, which stays\n")
      assert.strictEqual(read("list"), "content of /list")
      assert.deepStrictEqual(files, ["list"])
    })
  )

  it.scopedLive("refuses a file that cannot be written, before any request", () =>
    Effect.gen(function* () {
      const { requests, url } = yield* server
      const cwd = yield* temporaryDirectory
      mkdirSync(`${cwd}/directory`)
      for (const [parameters, message] of [
        [["--failed", "directory"], /^halyard get: --failed directory: it is a directory\n$/],
        [["--failed", "/dev/null"], /^halyard get: --failed \/dev\/null: it is not a regular file\n$/],
        [["--failed", "missing/failed"], /^halyard get: --failed missing\/failed: [^\n]+\n$/],
        [["--failed", "-"], /^halyard get: --failed -: it must be a file, [^\n]+\n$/],
        [["--failed", "failed", "--data", "x"], /^halyard get: --failed FILE is for GET: [^\n]+\n$/]
      ] as const) {
        const { exitCode, stderr } = yield* get([`${url}/a`, ...parameters], { cwd })
        assert.strictEqual(exitCode, 2)
        assert.match(stderr, message)
      }
      writeFileSync(`${cwd}/halyard.toml`, 'failed = "notes"\n')
      const project = yield* get([`${url}/a`], { cwd })
      assert.strictEqual(project.exitCode, 2)
      assert.include(project.stderr, "a project cannot set failed, because")
      assert.deepStrictEqual(requests(), [])
      assert.isFalse(existsSync(`${cwd}/a`))
    })
  )
})
