/**
 * `halyard get` against real servers, as scripts and people run it.
 */
import { createHash } from "node:crypto"
import { writeFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { linesOf } from "../../support/program/eventLines.js"
import { get, getFromPipe, origin, sha256 } from "../../support/program/get.js"
import { filesIn, run, runBash, temporaryDirectory } from "../../support/program/program.js"
import { raw } from "../../support/servers/loopback.js"

describe("halyard get", () => {
  it.scopedLive("saves files under their names, prints the names, and reports the counts", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const ended = yield* get([`${url}/a.txt?x=1`, `${url}/sub/b.txt`, "-d", "new/dir"])
      assert.strictEqual(ended.exitCode, 0)
      assert.deepStrictEqual(ended.stdout.trim().split("\n").sort(), ["new/dir/a.txt", "new/dir/b.txt"])
      assert.match(ended.stderr, /^2 saved; 42 B in \d+\.\d\ds \(\d+(?:\.\d)? k?B\/s\)$/m)
      assert.strictEqual(ended.read("new/dir/a.txt"), "content of /a.txt?x=1")
    })
  )

  it.scopedLive("saves one URL as the file of --output", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const { files, read } = yield* get([`${url}/a`, "-o", "other.txt", "--checksum", sha256("content of /a")])
      assert.deepStrictEqual(files, ["other.txt"])
      assert.strictEqual(read("other.txt"), "content of /a")
    })
  )

  it.scopedLive("reports each failure on standard error, saves the rest, and exits with 1", () =>
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

  it.scopedLive("fails lines that are not URLs, and shows no password of them", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const lines = [`${url}/a\u0001name`, `${url}/a\0${url}/b`, "http://user:s3/cret@host/a", "user:s3cret@host/a"]
      const cwd = yield* temporaryDirectory
      writeFileSync(`${cwd}/list`, `${lines.join("\n")}\n`)
      const { exitCode, files, stderr } = yield* get(["-i", "list"], { cwd })
      assert.deepStrictEqual([exitCode, files], [1, ["list"]])
      assert.strictEqual(stderr.match(/it contains a control character/g)?.length, 2)
      assert.notInclude(stderr, "s3")
    })
  )

  it.scopedLive("verifies the content with a digest in any notation", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const digest = (algorithm: string, encoding: "hex" | "base64") =>
        createHash(algorithm).update("content of /a").digest(encoding)
      for (const checksum of [
        digest("sha256", "hex"),
        `sha-1=${digest("sha1", "hex")}`,
        `md5:${digest("md5", "hex")}`,
        `sha512-${digest("sha512", "base64")}`
      ]) {
        const right = yield* get([`${url}/a`, "--json", "--checksum", checksum])
        assert.include(right.stdout, '"verified":"digest"', checksum)
        const wrong = yield* get([`${url}/b`, "--checksum", checksum])
        assert.deepStrictEqual([wrong.exitCode, wrong.files], [1, []], checksum)
      }
    })
  )

  it.scopedLive("fails for content with another digest, and leaves no part", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const { exitCode, files, stderr } = yield* get([`${url}/a`, "--checksum", sha256("something else")])
      assert.deepStrictEqual([exitCode, files], [1, []])
      assert.match(stderr, /the digest is sha256:[0-9a-f]{64}, not sha256:[0-9a-f]{64}/)
    })
  )

  it.scopedLive("reads a list from a file or standard input, with comments, blank lines and any line ends", () =>
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

  it.scopedLive("starts before its list ends", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const cwd = yield* temporaryDirectory
      const running = yield* getFromPipe(url, cwd)
      yield* running.type(`${url}/b`)
      yield* running.closeStdin
      assert.strictEqual((yield* running.ended).exitCode, 0)
      assert.deepStrictEqual(filesIn(cwd), ["a", "b"])
    })
  )

  it.scopedLive("prints one JSON object a line with --json: retries, outcomes, the report", () =>
    Effect.gen(function* () {
      const { url } = yield* raw(
        ["HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nRetry-After: 0\r\n\r\n", "stay"],
        ["HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: /b?key=s3cret\r\n\r\n", "stay"],
        ['HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Type: text/plain\r\nETag: "1"\r\n\r\nbody', "stay"]
      )
      const { stderr, stdout } = yield* get([`${url}/a`, "--json"])
      const lines = linesOf(stdout).filter(({ event }) => ["Retrying", "Finished", "Report"].includes(event))
      assert.strictEqual(lines.length, 3)
      assert.deepInclude(lines[0], { event: "Retrying", attempt: 1 })
      assert.deepInclude(lines[1], { outcome: "Saved", file: "a", bytes: 4, verified: "length", attempts: 2 })
      const response = { status: 200, mediaType: "text/plain", etag: '"1"', finalUrl: `${url}/b?key=…` }
      assert.deepInclude(lines[1], response)
      assert.deepNestedInclude(lines[2], { "report.saved": 1 })
      assert.notInclude(stderr, "saved")
    })
  )

  it.scopedLive("saves bodies that end with their connections", () =>
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

  it.scopedLive("is the command of a line without a command, also with options first", () =>
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
})
