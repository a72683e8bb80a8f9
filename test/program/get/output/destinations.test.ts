/**
 * How `halyard get` handles an existing file, link or device at a destination.
 */
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { linesOf } from "../../../support/program/eventLines.js"
import { get, origin } from "../../../support/program/get.js"
import { filesIn, run, runBash, temporaryDirectory } from "../../../support/program/program.js"
import { http } from "../../../support/servers/loopback.js"

const content = "content".repeat(100_000)

/** An origin that does something to the destination before it answers. */
const originAfter = (act: () => void) =>
  http((_, response) => {
    act()
    response.writeHead(200, { "content-length": content.length })
    response.end(content)
  })

describe("destinations of halyard get", () => {
  for (const durability of ["full", "rename"]) {
    it.scopedLive(`fails if a directory with the name appears during the transfer: --durability ${durability}`, () =>
      Effect.gen(function* () {
        const cwd = yield* temporaryDirectory
        const { url } = yield* originAfter(() => mkdirSync(`${cwd}/a`))
        const { exitCode, stderr } = yield* run(
          ["get", `${url}/a`, "-d", ".", "--on-exists", "skip", "--durability", durability],
          { cwd }
        )
        assert.strictEqual(exitCode, 1)
        assert.include(stderr, "it is a directory")
        assert.deepStrictEqual(readdirSync(cwd), ["a"])
        assert.isTrue(lstatSync(`${cwd}/a`).isDirectory())
      })
    )

    it.scopedLive(`keeps the mode of a file that only its owner can read: --durability ${durability}`, () =>
      Effect.gen(function* () {
        const cwd = yield* temporaryDirectory
        const modes: Array<number> = []
        const { url } = yield* originAfter(() =>
          modes.push(...readdirSync(cwd).map((name) => statSync(`${cwd}/${name}`).mode & 0o777))
        )
        for (const name of ["a", "b"]) {
          writeFileSync(`${cwd}/${name}`, "old")
          chmodSync(`${cwd}/${name}`, 0o600)
        }
        const { exitCode, stderr } = yield* run(
          ["get", `${url}/a`, `${url}/b`, "-d", ".", "--on-exists", "overwrite", "--durability", durability, "-c", "1"],
          { cwd }
        )
        assert.strictEqual(exitCode, 0, stderr)
        assert.isTrue(modes.every((mode) => mode === 0o600))
        for (const name of ["a", "b"]) {
          assert.strictEqual(statSync(`${cwd}/${name}`).mode & 0o777, 0o600)
          assert.strictEqual(readFileSync(`${cwd}/${name}`, "utf8"), content)
        }
      })
    )
  }

  it.scopedLive("does not replace a directory", () =>
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

  it.scopedLive("gives equal names a number, and saves nothing outside the directory", () =>
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

  it.scopedLive("skips, fails, renames or overwrites an existing file with --on-exists", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const cwd = yield* temporaryDirectory
      const again = (...how: ReadonlyArray<string>) =>
        Effect.map(get([`${url}/a`, ...how], { cwd }), ({ exitCode, read }) => [exitCode, read("a")])
      writeFileSync(`${cwd}/a`, "old")
      assert.deepStrictEqual(yield* again("--on-exists=skip"), [0, "old"])
      assert.deepStrictEqual(yield* again("--on-exists=fail"), [1, "old"])
      const own = yield* get([`${url}/a`, "--on-exists=unique"], { cwd })
      assert.deepStrictEqual([own.stdout, own.read("a"), own.read("a-2")], ["a-2\n", "old", "content of /a"])
      assert.deepStrictEqual(yield* again("--on-exists=overwrite"), [0, "content of /a"])
    })
  )

  it.scopedLive("fails with --on-exists fail and overwrite if a directory with the name appears", () =>
    Effect.gen(function* () {
      const cwd = yield* temporaryDirectory
      const { url } = yield* http((request, response) => {
        mkdirSync(`${cwd}${request.url}`)
        response.end("content")
      })
      for (const [name, how] of [
        ["b", "fail"],
        ["c", "overwrite"]
      ]) {
        const { exitCode, stderr } = yield* get([`${url}/${name}`, `--on-exists=${how}`], { cwd })
        assert.strictEqual(exitCode, 1, how)
        assert.match(stderr, /cannot write [bc]: (?:it is a directory|the file already exists)$/m)
      }
      const own = yield* get([`${url}/d`, "--on-exists=unique"], { cwd })
      assert.deepStrictEqual([own.exitCode, own.stdout], [0, "d-2\n"])
    })
  )

  it.scopedLive("names the file after the URL of the command line, not after a redirect or a header", () =>
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

  it.scopedLive("saves a whole file if two processes download it at the same time", () =>
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

  it.scopedLive("reports a limit on the size of files, and leaves no part", () =>
    Effect.gen(function* () {
      const { url } = yield* http((_, response) => response.end("x".repeat(100_000)))
      const cwd = yield* temporaryDirectory
      const { exitCode, stderr } = yield* runBash(`ulimit -f 8; trap '' XFSZ; halyard get ${url}/a`, { cwd })
      assert.strictEqual(exitCode, 1)
      assert.match(stderr, /cannot write a: the file is larger than the file system or a limit of the process allows/)
      assert.deepStrictEqual(filesIn(cwd), [])
    })
  )

  it.scopedLive("replaces a symbolic link, and does not change its target", () =>
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

  it.scopedLive("reports a directory that cannot be written to before any request", () =>
    Effect.gen(function* () {
      const { connections, url } = yield* origin
      const cwd = yield* temporaryDirectory
      writeFileSync(`${cwd}/file`, "")
      mkdirSync(`${cwd}/there`)
      const { exitCode, stderr } = yield* get([`${url}/a`, "-d", "file/sub"], { cwd })
      assert.strictEqual(exitCode, 1)
      assert.match(stderr, /^halyard get: cannot write file\/sub: a part of its path is not a directory\n$/)
      assert.strictEqual(connections(), 0)
      const urls = [`${url}/a`, `${url}/b`]
      const json = yield* get([...urls, "-d", "file/sub", "--json", "--failed", "failed"], { cwd })
      assert.strictEqual(json.exitCode, 1)
      const lines = linesOf(json.stdout)
      assert.deepStrictEqual(
        lines.map(({ event }) => event),
        ["Run", "Finished", "Finished", "Report"]
      )
      for (const [index, url] of urls.entries()) {
        assert.deepInclude(lines[index + 1], { outcome: "Failed", index: index + 1, url })
      }
      assert.deepNestedInclude(lines[3], { "report.failed": 2 })
      const list = json
        .read("failed")
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line).url)
      assert.deepStrictEqual(list, urls)
      const text = yield* get([...urls, "-d", "file/sub", "--failed", "failed"], { cwd })
      assert.match(text.stderr, /^halyard get: cannot write file\/sub: a part of its path is not a directory$/m)
      assert.strictEqual(connections(), 0)
    })
  )
})
