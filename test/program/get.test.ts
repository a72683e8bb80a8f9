/**
 * `halyard get`, as scripts and people run it, against real servers.
 */
import { createHash } from "node:crypto"
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { http, raw } from "../support/loopback.js"
import { until } from "../support/poll.js"
import { filesIn, halyard, run, runBash, runCommand, temporaryDirectory } from "../support/program.js"

/** Serves each path as its own content, and fails as paths say. */
const origin = Effect.suspend(() =>
  http((request, response) => {
    const path = request.url ?? ""
    if (path.startsWith("/missing")) {
      response.writeHead(404).end()
    } else if (path.startsWith("/slow")) {
      response.writeHead(200, { "content-length": "10" }).write("0123")
    } else {
      response.end(`content of ${path}`)
    }
  })
)

const get = (parameters: ReadonlyArray<string>, options?: Parameters<typeof run>[1]) =>
  Effect.gen(function* () {
    const cwd = options?.cwd ?? (yield* temporaryDirectory)
    const ended = yield* run(["get", ...parameters], { ...options, cwd })
    return { ...ended, cwd, files: filesIn(cwd), read: (name: string) => readFileSync(`${cwd}/${name}`, "utf8") }
  })

const sha256 = (text: string) => `sha256:${createHash("sha256").update(text).digest("hex")}`

describe("halyard get", () => {
  it.scopedLive("saves files under their names, prints those, and sums up", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const ended = yield* get([`${url}/a.txt?x=1`, `${url}/sub/b.txt`, "-d", "new/dir"])
      assert.strictEqual(ended.exitCode, 0)
      assert.deepStrictEqual(ended.stdout.trim().split("\n").sort(), ["new/dir/a.txt", "new/dir/b.txt"])
      assert.match(ended.stderr, /^2 saved; 42 B in \d+\.\d\ds$/m)
      assert.strictEqual(ended.read("new/dir/a.txt"), "content of /a.txt?x=1")
    })
  )

  it.scopedLive("saves the one URL as the file that is named", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const { files, read } = yield* get([`${url}/a`, "-o", "other.txt", "--checksum", sha256("content of /a")])
      assert.deepStrictEqual(files, ["other.txt"])
      assert.strictEqual(read("other.txt"), "content of /a")
    })
  )

  it.scopedLive("tells each failure on stderr, keeps the rest, and exits with 1", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const { exitCode, files, stderr, stdout } = yield* get([
        `${url}/a`,
        `${url}/missing?key=s3cret`,
        "http://127.0.0.1:1/x",
        "--retries=0"
      ])
      assert.strictEqual(exitCode, 1)
      assert.deepStrictEqual([files, stdout], [["a"], "a\n"])
      assert.match(stderr, /\/missing\?key=…: HTTP error 404 - Not Found\n/)
      assert.match(stderr, /127\.0\.0\.1:1\/x: the connection was refused \(ECONNREFUSED\)\n/)
      assert.match(stderr, /^1 saved, 2 failed; /m)
      assert.notInclude(stderr, "s3cret")
    })
  )

  it.scopedLive("puts no file in the place of what is none", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const cwd = yield* temporaryDirectory
      mkdirSync(`${cwd}/a`)
      const directory = yield* get([`${url}/a`, "-o", "a"], { cwd })
      assert.deepStrictEqual(
        [directory.exitCode, directory.stderr],
        [2, "halyard get: --output FILE: a is a directory\n"]
      )
      const name = yield* get([`${url}/a`], { cwd })
      assert.strictEqual(name.exitCode, 1)
      assert.match(name.stderr, /cannot write a: it is a directory\n/)
    })
  )

  it.scopedLive("refuses lines that are no URLs, and shows no password of theirs", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const lines = [`${url}/a\tname`, `${url}/a\0${url}/b`, "http://user:s3/cret@host/a", "user:s3cret@host/a"]
      const cwd = yield* temporaryDirectory
      writeFileSync(`${cwd}/list`, `${lines.join("\n")}\n`)
      const { exitCode, files, stderr } = yield* get(["-i", "list"], { cwd })
      assert.deepStrictEqual([exitCode, files], [1, ["list"]])
      assert.strictEqual(stderr.match(/it has a control character in it/g)?.length, 2)
      assert.notInclude(stderr, "s3")
    })
  )

  it.scopedLive("refuses content of another digest, and leaves nothing of it", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const { exitCode, files, stderr } = yield* get([`${url}/a`, "--checksum", sha256("something else")])
      assert.deepStrictEqual([exitCode, files], [1, []])
      assert.match(stderr, /the digest is sha256:[0-9a-f]{64}, not sha256:[0-9a-f]{64}/)
    })
  )

  it.scopedLive(
    "reads a list from a file or standard input, comments and blank lines aside, whatever its line ends",
    () =>
      Effect.gen(function* () {
        const { url } = yield* origin
        const cwd = yield* temporaryDirectory
        writeFileSync(`${cwd}/list`, `\ufeff${url}/a\r\n\r\n# ${url}/no\n  ${url}/b`)
        yield* get(["-i", "list", "-d", "file"], { cwd })
        assert.deepStrictEqual(filesIn(`${cwd}/file`), ["a", "b"])
        const piped = yield* runBash(`halyard get -i - -d piped < list && halyard get -i list -d piped`, { cwd })
        assert.strictEqual(piped.exitCode, 0)
        assert.deepStrictEqual(filesIn(`${cwd}/piped`), ["a", "b"])
        assert.match(piped.stderr, /0 saved, 2 skipped/)
      })
  )

  it.scopedLive("begins before its list ends", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const cwd = yield* temporaryDirectory
      const running = yield* halyard(["get", "-i", "-"], { cwd, stdin: "open" })
      yield* running.type(`${url}/a\n`)
      yield* running.awaitOutput(/^a$/m)
      yield* running.type(`${url}/b`)
      yield* running.closeStdin
      assert.strictEqual((yield* running.ended).exitCode, 0)
      assert.deepStrictEqual(filesIn(cwd), ["a", "b"])
    })
  )

  it.scopedLive("gives two URLs of one name two names, and writes nowhere else", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const { cwd, files } = yield* get([
        `${url}/x/a.txt`,
        `${url}/y/a.txt`,
        `${url}/z/A.TXT`,
        `${url}/..%2f..%2fevil`,
        `${url}/.bashrc`,
        `${url}/`
      ])
      assert.deepStrictEqual(files, ["A-3.TXT", "_._.._evil", "_bashrc", "a-2.txt", "a.txt", "index.html"].sort())
      assert.isFalse(existsSync(`${cwd}/../evil`))
    })
  )

  it.scopedLive("keeps, replaces or refuses what is there, as asked", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const cwd = yield* temporaryDirectory
      const again = (...how: ReadonlyArray<string>) =>
        Effect.map(get([`${url}/a`, ...how], { cwd }), ({ exitCode, read }) => [exitCode, read("a")])
      writeFileSync(`${cwd}/a`, "old")
      assert.deepStrictEqual(yield* again(), [0, "old"])
      assert.deepStrictEqual(yield* again("--on-exists=fail"), [1, "old"])
      const own = yield* get([`${url}/a`, "--on-exists=unique"], { cwd })
      assert.deepStrictEqual([own.stdout, own.read("a"), own.read("a-2")], ["a-2\n", "old", "content of /a"])
      assert.deepStrictEqual(yield* again("--on-exists=overwrite"), [0, "content of /a"])
    })
  )

  it.scopedLive("prints one JSON object a line with --json: retries, outcomes, the report", () =>
    Effect.gen(function* () {
      const { url } = yield* raw(
        ["HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nRetry-After: 0\r\n\r\n", "stay"],
        ["HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody", "stay"]
      )
      const { stderr, stdout } = yield* get([`${url}/a`, "--json"])
      const lines = stdout
        .trim()
        .split("\n")
        .map((line): unknown => JSON.parse(line))
      assert.strictEqual(lines.length, 3)
      assert.deepInclude(lines[0], { event: "Retrying", attempt: 1 })
      assert.deepInclude(lines[1], { outcome: "Saved", file: "a", bytes: 4, verified: "length", attempts: 2 })
      assert.deepNestedInclude(lines[2], { "report.saved": 1 })
      assert.notInclude(stderr, "saved")
    })
  )

  it.scopedLive("gives up what stalls after --timeout", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const { exitCode, files, stderr } = yield* get([`${url}/slow`, "--timeout=0.3", "--retries=0"])
      assert.deepStrictEqual([exitCode, files], [1, []])
      assert.match(stderr, /timed out after 0\.3s waiting for the rest of the body/)
    })
  )

  for (const [signal, exitCode] of [
    ["SIGINT", 130],
    ["SIGTERM", 143]
  ] as const) {
    it.scopedLive(`reports on ${signal} what was done until then, and leaves nothing half done`, () =>
      Effect.gen(function* () {
        const { url } = yield* origin
        const cwd = yield* temporaryDirectory
        const running = yield* halyard(["get", `${url}/a`, `${url}/slow`], { cwd })
        yield* running.awaitOutput(/^a$/m)
        yield* running.signal(signal)
        const ended = yield* running.ended
        assert.strictEqual(ended.exitCode, exitCode)
        assert.match(ended.stderr, /^1 saved, 1 cancelled; /m)
        assert.deepStrictEqual(filesIn(cwd), ["a"])
      })
    )
  }

  it.scopedLive("ends at once on SIGTERM although its list does not", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const cwd = yield* temporaryDirectory
      const running = yield* halyard(["get", "-i", "-"], { cwd, stdin: "open" })
      yield* running.type(`${url}/a\n`)
      yield* running.awaitOutput(/^a$/m)
      yield* running.signal("SIGTERM")
      assert.strictEqual((yield* running.ended).exitCode, 143)
    })
  )

  it.scopedLive("saves bodies that end with their connections, however fast or large", () =>
    Effect.gen(function* () {
      const large = "x".repeat(3_000_000)
      const { url } = yield* raw(
        ["HTTP/1.0 200 OK\r\n\r\nhalf a file", "end"],
        [`HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n${large}`, "end"],
        [`HTTP/1.0 200 OK\r\n\r\n${large}`, "end"]
      )
      const urls = Array.from({ length: 9 }, (_, index) => `${url}/${index}`)
      const { exitCode, files, stderr } = yield* get(urls)
      assert.strictEqual(exitCode, 0, stderr)
      assert.strictEqual(files.length, 9)
    })
  )

  it.scopedLive("completes in a second life what kill -9 cut short", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const cwd = yield* temporaryDirectory
      const running = yield* halyard(["get", `${url}/a`, `${url}/slow`], { cwd })
      yield* running.awaitOutput(/^a$/m)
      yield* running.signal("SIGKILL")
      yield* running.ended
      assert.isFalse(existsSync(`${cwd}/slow`))
      const second = yield* get([`${url}/a`, `${url}/b`], { cwd })
      assert.strictEqual(second.exitCode, 0)
      assert.match(second.stderr, /1 saved, 1 skipped/)
    })
  )

  it.scopedLive("reports how many parts kill -9 has left in its directory, as flags does", () =>
    Effect.gen(function* () {
      const { url } = yield* http((request, response) => {
        if (request.url?.startsWith("/slow")) {
          // More than is kept in memory.
          response.writeHead(200, { "content-length": 2_000_000 }).write(Buffer.alloc(1_000_000))
        } else {
          response.end("content")
        }
      })
      const cwd = yield* temporaryDirectory
      mkdirSync(`${cwd}/other`)
      writeFileSync(`${cwd}/.halyard-notes.part`, "mine")
      const clean = yield* get([`${url}/a`], { cwd })
      assert.match(clean.stderr, /^downloading\n1 saved; [^\n]*\n$/)
      const running = yield* halyard(["get", `${url}/slow1`, `${url}/slow2`], { cwd })
      const isPart = (name: string) => name.startsWith(".halyard-") && name !== ".halyard-notes.part"
      yield* until("two parts", () => filesIn(cwd).filter(isPart).length === 2 || undefined, running.stderr)
      yield* running.signal("SIGKILL")
      yield* running.ended
      const line = ". has 2 unfinished parts (.halyard-….part), of a run that was killed or that still runs\n"
      const next = yield* get([`${url}/a`, `${url}/b`], { cwd })
      assert.deepStrictEqual([next.exitCode, next.stderr.split(line).length], [0, 2], next.stderr)
      const flags = yield* run(["flags", "BR", "-d", "."], { cwd })
      assert.deepStrictEqual([flags.exitCode, flags.stderr.split(line).length], [0, 2], flags.stderr)
      const elsewhere = yield* get([`${url}/a`, "-d", "other"], { cwd })
      assert.notInclude(elsewhere.stderr, "unfinished")
    })
  )

  it.scopedLive("fails if a directory takes the name of a file during its transfer", () =>
    Effect.gen(function* () {
      const cwd = yield* temporaryDirectory
      const { url } = yield* http((request, response) => {
        mkdirSync(`${cwd}${request.url}`)
        response.end("content")
      })
      for (const [name, how] of [
        ["a", "skip"],
        ["b", "fail"],
        ["c", "overwrite"]
      ]) {
        const { exitCode, stderr } = yield* get([`${url}/${name}`, `--on-exists=${how}`], { cwd })
        assert.strictEqual(exitCode, 1, how)
        assert.match(stderr, /cannot write [abc]: (?:it is a directory|the file already exists)$/m)
      }
      const own = yield* get([`${url}/d`, "--on-exists=unique"], { cwd })
      assert.deepStrictEqual([own.exitCode, own.stdout], [0, "d-2\n"])
    })
  )

  it.scopedLive("sends a header to the origin of the first URL alone", () =>
    Effect.gen(function* () {
      const told: Array<string> = []
      const server = () =>
        http((request, response) => {
          told.push(`${request.url} ${request.headers["x-key"]}`)
          response.end()
        })
      const [first, second] = [yield* server(), yield* server()]
      yield* get([`${first.url}/a`, `${second.url}/b`, `${first.url}/c`, "-H", "X-Key: s3cret"])
      assert.deepStrictEqual(told.sort(), ["/a s3cret", "/b undefined", "/c s3cret"])
    })
  )

  it.scopedLive("names a file by the URL that was asked for, whatever redirects and headers say", () =>
    Effect.gen(function* () {
      const { url } = yield* http((request, response) => {
        if (request.url === "/asked") {
          response.writeHead(302, { location: "/.profile" }).end()
        } else {
          response.setHeader("content-disposition", 'attachment; filename="../../evil"')
          response.end("content")
        }
      })
      assert.deepStrictEqual((yield* get([`${url}/asked`])).files, ["asked"])
    })
  )

  it.scopedLive("gives one file whole to two processes that fetch it at a time", () =>
    Effect.gen(function* () {
      const { url } = yield* http((_, response) => {
        response.writeHead(200, { "content-length": 10 })
        response.write("01234")
        // The processes that fetch it are real, and so is the time in which both are at it.
        setTimeout(() => response.end("56789"), 200)
      })
      const cwd = yield* temporaryDirectory
      const ended = yield* Effect.all([get([`${url}/a`], { cwd }), get([`${url}/a`], { cwd })], { concurrency: 2 })
      assert.deepStrictEqual(
        ended.map(({ exitCode }) => exitCode),
        [0, 0]
      )
      assert.deepStrictEqual(filesIn(cwd), ["a"])
      assert.strictEqual(readFileSync(`${cwd}/a`, "utf8"), "0123456789")
    })
  )

  it.scopedLive("tells of a limit on the size of files, and leaves nothing", () =>
    Effect.gen(function* () {
      const { url } = yield* http((_, response) => response.end("x".repeat(100_000)))
      const cwd = yield* temporaryDirectory
      const { exitCode, stderr } = yield* runBash(`ulimit -f 8; trap '' XFSZ; halyard get ${url}/a`, { cwd })
      assert.strictEqual(exitCode, 1)
      assert.match(stderr, /cannot write a: the file is larger than the file system or a limit of the process allows/)
      assert.deepStrictEqual(filesIn(cwd), [])
    })
  )

  it.scopedLive("works with few descriptors", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const cwd = yield* temporaryDirectory
      const urls = Array.from({ length: 60 }, (_, index) => `${url}/${index}`).join(" ")
      const { exitCode } = yield* runBash(`ulimit -n 40; halyard get -c 16 ${urls}`, { cwd })
      assert.strictEqual(exitCode, 0)
      assert.strictEqual(filesIn(cwd).length, 60)
    })
  )

  it.scopedLive(
    "keeps nothing of the requests that are done: ten times as many, the same heap",
    () =>
      Effect.gen(function* () {
        const script = fileURLToPath(new URL("../support/manyRequests.mjs", import.meta.url))
        const { stdout } = yield* runCommand(process.execPath, ["--expose-gc", script], { limit: "2 minutes" })
        const [few = 0, many = 0]: ReadonlyArray<number> = JSON.parse(stdout)
        assert.isAbove(few, 0)
        assert.isBelow(many - few, 4_000_000)
      }),
    120_000
  )

  it.scopedLive("replaces a link, and does not write through it", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const cwd = yield* temporaryDirectory
      writeFileSync(`${cwd}/precious`, "precious")
      symlinkSync("precious", `${cwd}/a`)
      yield* get([`${url}/a`, "--on-exists=overwrite"], { cwd })
      assert.strictEqual(readFileSync(`${cwd}/precious`, "utf8"), "precious")
      assert.strictEqual(readFileSync(`${cwd}/a`, "utf8"), "content of /a")
    })
  )

  it.scopedLive("is meant by a line without a command, also with options first", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const cwd = yield* temporaryDirectory
      writeFileSync(`${cwd}/list`, `${url}/b\n`)
      const named = yield* run(["-d", "out", `${url}/a`], { cwd })
      const listed = yield* run(["-i", "list", "-d", "out"], { cwd })
      assert.deepStrictEqual(
        [named.exitCode, named.stdout, listed.exitCode, listed.stdout],
        [0, "out/a\n", 0, "out/b\n"]
      )
    })
  )

  it.scopedLive("finds a directory that cannot be written to before any request", () =>
    Effect.gen(function* () {
      const { connections, url } = yield* origin
      const cwd = yield* temporaryDirectory
      writeFileSync(`${cwd}/file`, "")
      mkdirSync(`${cwd}/there`)
      const { exitCode, stderr } = yield* get([`${url}/a`, "-d", "file/sub"], { cwd })
      assert.strictEqual(exitCode, 1)
      assert.match(stderr, /^halyard get: cannot write file\/sub: a part of its path is not a directory\n$/)
      assert.strictEqual(connections(), 0)
    })
  )

  it.scopedLive("writes in order where both outputs are one, and to a reader that takes its time", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const cwd = yield* temporaryDirectory
      const list = `for i in $(seq 200); do echo ${url}/$i; done | halyard get -i - -c 32`
      const { stdout } = yield* runBash(`${list} 2>&1`, { cwd })
      const lines = stdout.trimEnd().split("\n")
      assert.strictEqual(lines[0], "downloading")
      assert.match(lines.at(-1) ?? "", /^200 saved; /)
      assert.strictEqual(new Set(lines).size, 202)
      const slow = yield* runBash(`${list} --on-exists overwrite | (sleep 1; cat)`, { cwd })
      assert.sameMembers(slow.stdout.trimEnd().split("\n"), lines.slice(1, -1))
    })
  )

  it.scopedLive("ends quietly where its reader has seen enough", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const cwd = yield* temporaryDirectory
      const ended = yield* runBash(`for i in $(seq 200); do echo ${url}/$i; done | halyard get -i - | head -1`, { cwd })
      assert.notMatch(ended.stderr, /Error|EPIPE|at /)
    })
  )
})
