/**
 * Lists of halyard get with names, directories, checksums and headers of their own.
 */
import { createHash } from "node:crypto"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { outcomesOf } from "../../../support/program/eventLines.js"
import { get, getFromPipe, origin } from "../../../support/program/get.js"
import { filesIn, runBash, temporaryDirectory } from "../../../support/program/program.js"
import { http } from "../../../support/servers/loopback.js"

const digestOf = (algorithm: string, path: string): string =>
  createHash(algorithm).update(`content of ${path}`).digest("hex")

const listing = Effect.fnUntraced(function* (lines: ReadonlyArray<string>) {
  const cwd = yield* temporaryDirectory
  writeFileSync(`${cwd}/list`, lines.join("\n"))
  return cwd
})

describe("a list of halyard get", () => {
  it.scopedLive("may be aria2's, NDJSON, a table or a checksum file, one after another", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const cwd = yield* temporaryDirectory
      writeFileSync(`${cwd}/aria2`, `${url}/a\n  out=one\n  dir=sub/x\n  checksum=sha-1=${digestOf("sha1", "/a")}\n`)
      writeFileSync(`${cwd}/ndjson`, `{"url":"${url}/b","name":"two","size":13,"dir":"sub"}\n`)
      writeFileSync(`${cwd}/csv`, `name,url,md5\n"th,ree",${url}/c,${digestOf("md5", "/c")}\n`)
      writeFileSync(`${cwd}/sums`, `${digestOf("sha256", "/f/d/e")}  d/e\n`)
      const lists = ["-i", "aria2", "-i", "ndjson", "-i", "csv", "-i", "sums", "--base-url", `${url}/f`]
      const { exitCode, stderr, stdout } = yield* get([...lists, "-d", "files", "-c", "1", "--json"], { cwd })
      assert.strictEqual(exitCode, 0, stderr)
      assert.deepStrictEqual(
        outcomesOf(stdout).map((line) => [line.index, line.file, line.outcome === "Saved" && line.verified]),
        [
          [1, "files/sub/x/one", "digest"],
          [2, "files/sub/two", "length"],
          [3, "files/th,ree", "digest"],
          [4, "files/d/e", "digest"]
        ]
      )
      assert.strictEqual(readFileSync(`${cwd}/files/d/e`, "utf8"), "content of /f/d/e")
    })
  )

  it.scopedLive("continues at the mirror of an item", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const cwd = yield* listing([`${url}/missing\t${url}/b?key=s3cret`, "  out=one"])
      const { exitCode, stderr } = yield* get(["-i", "list"], { cwd })
      assert.strictEqual(exitCode, 0, stderr)
      assert.include(stderr, `${url}/missing: HTTP error 404 - Not Found; continuing at ${url}/b?key=…`)
      assert.strictEqual(readFileSync(`${cwd}/one`, "utf8"), "content of /b?key=s3cret")
    })
  )

  it.scopedLive("gives standard input once, pipes and files as often as wanted", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const cwd = yield* temporaryDirectory
      const ended = yield* runBash(`echo ${url}/a | halyard get -i <(echo ${url}/b) -i - -i <(echo ${url}/c)`, { cwd })
      assert.deepStrictEqual([ended.exitCode, filesIn(cwd)], [0, ["a", "b", "c"]])
      const twice = yield* get(["-i", "-", "-i", "/dev/stdin"])
      assert.strictEqual(twice.exitCode, 2)
      assert.match(twice.stderr, /^halyard get: standard input can be read once/)
    })
  )

  it.scopedLive("fails its bad items with their lines, and fetches the others", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const cwd = yield* listing([
        `{"url":"${url}/a"}`,
        '{"url":"ftp://user:s3cret@host/a?key=s3cret"}',
        `{"url":"${url}/b","checksum":"sha256:zz"}`,
        `{"url":"${url}/c","headers":{"a b":"s3cret"}}`,
        `{"url":"${url}/c","mirrors":["nowhere"]}`,
        `{"url":"${url}/d","size":3}`,
        "{",
        `{"url":"${url}/e"}`
      ])
      const { exitCode, stderr, stdout } = yield* get(["-i", "list"], { cwd })
      assert.strictEqual(exitCode, 1)
      assert.deepStrictEqual(stdout.trim().split("\n").sort(), ["a", "e"])
      assert.match(stderr, /^list, line 2: ftp:.*: ftp: is neither http: nor https:$/m)
      assert.match(stderr, /^list, line 3: http.*\/b: the digest must be sha256:HEX/m)
      assert.match(stderr, /^list, line 4: http.*\/c: the name of a header /m)
      assert.match(stderr, /^list, line 5: http.*\/c: a mirror: it is not an absolute URL$/m)
      assert.match(stderr, /\/d: the number of bytes is 13, not 3/)
      assert.match(stderr, /^list, line 7: it is not valid JSON$/m)
      assert.match(stderr, /^2 saved, 6 failed; /m)
      assert.notInclude(stderr, "s3cret")
    })
  )

  it.scopedLive("never leads outside of --directory, and tells each changed name", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const cwd = yield* listing([
        `${url}/1`,
        "  out=../evil",
        `${url}/2`,
        "  dir=/tmp",
        "  out=evil",
        `${url}/3`,
        "  dir=a/../..",
        `${url}/4`,
        "  out=/etc/evil",
        `${url}/5`,
        "  dir=./a//b/../c/",
        "  out=.ba\u001b[31mshrc",
        `${url}/6`,
        "  out=sub/",
        `${url}/7`,
        "  out=a/c/_ba_[31mshrc",
        `${url}/8`,
        "  out=SUB",
        `${url}/9`,
        "  out=sub/a/.."
      ])
      const { exitCode, stderr, stdout } = yield* get(["-i", "list", "-d", "files", "-c", "1"], { cwd })
      assert.strictEqual(exitCode, 1)
      for (const [line, path] of [
        [1, "./../evil"],
        [3, "/tmp/evil"],
        [6, "a/../../"],
        [8, "/etc/evil"]
      ] as const) {
        assert.include(stderr, `list, line ${line}: ${url}/`)
        assert.include(stderr, `: ${path} is outside of the directory files; --allow-outside permits that\n`)
      }
      const renamed = "files/a/c/_ba_[31mshrc"
      assert.include(stderr, `${url}/5: named a/c/_ba_[31mshrc, because the name in the list is not safe\n`)
      assert.include(stderr, `${url}/7: named a/c/_ba_[31mshrc-2, because an earlier URL has the same name\n`)
      assert.include(stderr, `${url}/8: named SUB-2, because an earlier URL has the same name\n`)
      assert.deepStrictEqual(stdout.trim().split("\n"), [
        renamed,
        "files/sub/6",
        `${renamed}-2`,
        "files/SUB-2",
        "files/sub/9"
      ])
      assert.deepStrictEqual(filesIn(cwd), ["files", "list"])
    })
  )

  it.scopedLive("may lead outside with --allow-outside, and only its names are made safe", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const [cwd, other] = [yield* temporaryDirectory, yield* temporaryDirectory]
      writeFileSync(`${cwd}/list`, `${url}/1\n  dir=${other}/.hidden\n  out=.name\n${url}/2\n  dir=../x\n`)
      const { exitCode, stderr } = yield* get(["-i", "list", "-d", "a/b", "--allow-outside"], { cwd })
      assert.strictEqual(exitCode, 0, stderr)
      assert.deepStrictEqual([filesIn(`${other}/.hidden`), filesIn(`${cwd}/a/x`)], [["_name"], ["2"]])
    })
  )

  it.scopedLive("sends the headers of an item to the origin of its URL only", () =>
    Effect.gen(function* () {
      const seen: Array<string> = []
      const second = yield* http((request, response) => {
        seen.push(`second ${request.url} ${request.headers["x-key"]}`)
        response.end()
      })
      const first = yield* http((request, response) => {
        seen.push(`first ${request.url} ${request.headers["x-key"]}`)
        if (request.url === "/moved") {
          response.writeHead(302, { location: `${second.url}/target` })
        }
        response.end()
      })
      const cwd = yield* listing([
        `${first.url}/a`,
        " header=X-Key: own",
        `${first.url}/moved`,
        " header=X-Key: own",
        `${first.url}/b`,
        `${second.url}/c`,
        " header=x-key: of c"
      ])
      const { exitCode } = yield* get(["-i", "list", "-c", "1", "-H", "X-Key: of the command line"], { cwd })
      assert.strictEqual(exitCode, 0)
      assert.deepStrictEqual(seen, [
        "first /a own",
        "first /moved own",
        "second /target undefined",
        "first /b of the command line",
        "second /c of c"
      ])
    })
  )

  it.scopedLive("fails an item whose directory cannot be made", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const cwd = yield* listing([`${url}/a`, " dir=list", `${url}/b`, " dir=sub"])
      const { exitCode, stderr } = yield* get(["-i", "list"], { cwd })
      assert.deepStrictEqual([exitCode, existsSync(`${cwd}/sub/b`)], [1, true])
      assert.match(stderr, /^list, line 1: http.*\/a: .*list/m)
    })
  )

  it.scopedLive("tells options that come too late for their URL", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const cwd = yield* temporaryDirectory
      const running = yield* getFromPipe(url, cwd)
      yield* running.type(` out=b\n dir=c\n${url}/d\n`)
      yield* running.closeStdin
      const { exitCode, stderr } = yield* running.ended
      assert.strictEqual(exitCode, 1)
      assert.match(stderr, /^standard input, line 2: out= came without a URL above it, or half a second after it$/m)
      assert.deepStrictEqual(filesIn(cwd), ["a", "d"])
    })
  )
})
