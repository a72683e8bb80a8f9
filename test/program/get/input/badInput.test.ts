/**
 * Invalid input: bytes that are not UTF-8, and lines without end.
 */
import { once } from "node:events"
import { createWriteStream, writeFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { outcomesOf } from "../../../support/program/eventLines.js"
import { filesIn, run, runBash, temporaryDirectory } from "../../../support/program/program.js"
import { http } from "../../../support/servers/loopback.js"

const origin = Effect.suspend(() => http((request, response) => response.end(`content of ${request.url}`)))

describe("bytes that are not UTF-8", () => {
  it.scopedLive("are refused in every argument, and no file is created", () =>
    Effect.gen(function* () {
      const { connections, url } = yield* origin
      const cwd = yield* temporaryDirectory
      for (const [line, position] of [
        [`get ${url}/a -d $'caf\\xe9'`, 4],
        [`get ${url}/a --directory=$'caf\\xe9'`, 3],
        [`get ${url}/a -o $'caf\\xe9'`, 4],
        [`get -i $'caf\\xe9'`, 3],
        [`get $'${url}/caf\\xe9'`, 2],
        [`get ${url}/a -H $'X-Key: s3cret\\xe9'`, 4],
        [`flags BR -d $'caf\\xe9'`, 4],
        [`spin -- echo $'caf\\xe9'`, 4],
        [`serve --directory $'caf\\xe9'`, 3]
      ] as const) {
        const { exitCode, stderr, stdout } = yield* runBash(`halyard ${line}`, { cwd })
        const [command] = line.split(" ")
        assert.deepStrictEqual(
          [exitCode, stdout, stderr],
          [2, "", `halyard ${command}: argument ${position} has bytes that are not UTF-8\n`],
          line
        )
      }
      assert.deepStrictEqual([filesIn(cwd), connections()], [[], 0])
    })
  )

  it.scopedLive("are distinguished from a U+FFFD in the argument", (context) =>
    Effect.gen(function* () {
      if (process.platform !== "linux") {
        return yield* Effect.sync(() => context.skip("this system does not show the bytes of a command line"))
      }
      const { stdout } = yield* run(["spin", "--", "echo", "\ufffd"])
      assert.strictEqual(stdout, "\ufffd\n")
    })
  )

  it.scopedLive("in a list fail the line, and the other lines continue", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const cwd = yield* temporaryDirectory
      writeFileSync(`${cwd}/list`, Buffer.from(`${url}/caf\xe9 # caf\xe9\n${url}/b # caf\xe9\n`, "latin1"))
      const { exitCode, stderr, stdout } = yield* run(["get", "-i", "list"], { cwd })
      assert.deepStrictEqual([exitCode, stdout], [1, "b\n"])
      assert.match(stderr, /bytes that are not UTF-8\n/)
      assert.deepStrictEqual(filesIn(cwd), ["b", "list"])
    })
  )
})

describe("a line of a list that is longer than 64 KiB", () => {
  it.scopedLive("fails with its number, and the rest of the list continues", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const cwd = yield* temporaryDirectory
      const comment = `# ${"x".repeat(100_000)}`
      writeFileSync(
        `${cwd}/list`,
        [`${url}/a`, comment, `${url}/${"s3cret".repeat(20_000)}`, `${url}/b ${comment}`, `${url}/c`].join("\n")
      )
      const { exitCode, stderr, stdout } = yield* run(["get", "-i", "list"], { cwd })
      assert.strictEqual(exitCode, 1)
      assert.deepStrictEqual(stdout.split("\n").sort(), ["", "a", "b", "c"])
      assert.match(stderr, /^list, line 3: it is longer than 64 KiB$/m)
      assert.match(stderr, /^3 saved, 1 failed; /m)
      assert.notInclude(stderr, "s3cret")
      const json = yield* run(["get", "-i", "list", "--json"], { cwd })
      const failures = outcomesOf(json.stdout).filter(({ outcome }) => outcome === "Failed")
      assert.deepInclude(failures[0], {
        outcome: "Failed",
        index: 2,
        url: "",
        list: "list",
        line: 3
      })
    })
  )

  it.scopedLive("takes no more memory than a short line", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const cwd = yield* temporaryDirectory
      yield* Effect.promise(async () => {
        const file = createWriteStream(`${cwd}/list`)
        const megabyte = "x".repeat(1024 * 1024)
        for (let count = 0; count < 200; count++) {
          if (!file.write(megabyte)) {
            await once(file, "drain")
          }
        }
        file.end(`\n${url}/a\n`)
        await once(file, "close")
      })
      // The line alone has 200 MiB.
      const { exitCode, stderr, stdout } = yield* run(["get", "-i", "list"], {
        cwd,
        env: { NODE_OPTIONS: "--max-old-space-size=48" }
      })
      assert.deepStrictEqual([exitCode, stdout], [1, "a\n"], stderr)
      assert.match(stderr, /^list, line 1: /m)
    })
  )
})

describe("--max-filesize of halyard get", () => {
  it.scopedLive("refuses a larger file with or without a Content-Length, and leaves no part", () =>
    Effect.gen(function* () {
      const { url } = yield* http((request, response) => {
        const bytes = Buffer.alloc(request.url === "/small" ? 2048 : 2049)
        if (request.url === "/announced") {
          response.setHeader("content-length", bytes.length)
        }
        response.write(bytes)
        response.end()
      })
      const cwd = yield* temporaryDirectory
      const urls = ["small", "announced", "chunked"].map((name) => `${url}/${name}`)
      const { exitCode, stderr, stdout } = yield* run(["get", ...urls, "--max-filesize", "2k"], { cwd })
      assert.deepStrictEqual([exitCode, stdout, filesIn(cwd)], [1, "small\n", ["small"]])
      assert.strictEqual(stderr.match(/2048/g)?.length, 4, stderr)
    })
  )

  it.scopedLive("accepts bytes, curl's units of 1024, and units of 1000", () =>
    Effect.gen(function* () {
      const sizes = { "1": 1, "2k": 2048, "2KiB": 2048, "2 kB": 2000, "1.5M": 1572864, "3GB": 3e9, "1T": 2 ** 40 }
      const { url } = yield* http((_, response) => {
        response.setHeader("content-length", 9e15)
        response.write("x")
      })
      const cwd = yield* temporaryDirectory
      for (const [size, bytes] of Object.entries(sizes)) {
        const { stdout } = yield* run(["get", `${url}/a`, "--json", "--max-filesize", size], { cwd })
        assert.deepNestedInclude(outcomesOf(stdout)[0], { "error.limitBytes": bytes }, size)
      }
    })
  )
})
