/**
 * Braces and ranges of halyard get, and --fail-fast.
 */
import { writeFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { get, origin } from "../../../support/program/get.js"
import { temporaryDirectory } from "../../../support/program/program.js"
import { http } from "../../../support/servers/loopback.js"

describe("braces and ranges of halyard get", () => {
  it.scopedLive("name a file each, also in --output", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const named = yield* get([`${url}/{a,b}/[01-02].txt`, "-d", "files"])
      assert.strictEqual(named.exitCode, 0, named.stderr)
      assert.strictEqual(named.stdout.split("\n").length - 1, 4)
      const { cwd, exitCode, read } = yield* get([`${url}/{a,b}/[01-02].txt`, "-o", "x/#2_#1_#3.txt", "-d", "files"])
      assert.strictEqual(exitCode, 0)
      assert.strictEqual(read("files/x/02_b_#3.txt"), "content of /b/02.txt", cwd)
    })
  )

  it.scopedLive("are taken as they are with --no-glob, and in lists", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const cwd = yield* temporaryDirectory
      writeFileSync(`${cwd}/list`, `${url}/{c,d}\n`)
      for (const option of ["--no-glob", "-g", "--globoff"]) {
        const { exitCode, stdout } = yield* get([`${url}/{a,b}[1]`, "-i", "list", option])
        assert.strictEqual(exitCode, 2, stdout)
      }
      const { exitCode, stdout } = yield* get([`${url}/{a,b}[1]`, "-i", "list", "-g"], { cwd })
      assert.deepStrictEqual([exitCode, stdout.trim().split("\n").sort()], [0, ["{a,b}[1]", "{c,d}"]])
    })
  )

  it.scopedLive("are one sentence if they are wrong", () =>
    Effect.gen(function* () {
      const wrong = yield* get(["http://me:s3cret@a.test/[1-"])
      assert.strictEqual(wrong.exitCode, 2)
      assert.match(wrong.stderr, /^halyard get: .*: position 25: the bracket is not closed; --no-glob takes .*\n$/)
      assert.notInclude(wrong.stderr, "s3cret")
      const several = yield* get(["http://a.test/[1-2]", "-o", "x"])
      assert.match(several.stderr, /--output FILE is for exactly one URL/)
      assert.strictEqual(several.exitCode, 2)
    })
  )
})

describe("--fail-fast of halyard get", () => {
  it.scopedLive("cancels the transfers in flight at the first failure", () =>
    Effect.gen(function* () {
      const started = new Set<string>()
      let fail = () => {}
      const { url } = yield* http((request, response) => {
        started.add(request.url ?? "")
        if (request.url === "/b2") {
          fail = () => response.writeHead(404).end()
        } else {
          response.writeHead(200, { "content-length": "10" }).write("0123")
        }
        if (started.size === 3) {
          fail()
        }
      })
      const { exitCode, files, stderr } = yield* get([`${url}/b[1-1000000000]`, "-c", "3", "--fail-fast"])
      assert.strictEqual(exitCode, 1)
      assert.match(stderr, /^stopped at the first failure, because of --fail-fast$/m)
      assert.match(stderr, /^0 saved, 1 failed, \d+ cancelled(, \d+ not started)?; /m)
      assert.isAtMost(started.size, 4)
      assert.deepStrictEqual(
        files.filter((name) => !name.startsWith(".")),
        []
      )
    })
  )

  it.scopedLive("stops at the first bad item of a list", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const cwd = yield* temporaryDirectory
      const lines = Array.from({ length: 2000 }, (_, index) => `${url}/${index}`)
      writeFileSync(`${cwd}/list`, ["nowhere", ...lines].join("\n"))
      const { exitCode, files, stderr } = yield* get(["-i", "list", "--fail-fast"], { cwd })
      assert.strictEqual(exitCode, 1)
      assert.match(stderr, /^list, line 1: nowhere: it is not an absolute URL$/m)
      assert.match(stderr, /^stopped at the first failure, because of --fail-fast$/m)
      assert.isBelow(files.length, 1000)
    })
  )
})
