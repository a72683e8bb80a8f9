/**
 * The headers of `halyard get`: how they are read, and to which origin they are sent.
 */
import { writeFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { http } from "../support/loopback.js"
import { filesIn, halyard, run, runBash, temporaryDirectory } from "../support/program.js"

/** An origin that records the path and the header `x-key` of each request. */
const recording = Effect.gen(function* () {
  const seen: Array<string> = []
  const { connections, url } = yield* http((request, response) => {
    seen.push(`${request.url} ${request.headers["x-key"]}`)
    response.end()
  })
  return { connections, seen, url }
})

const key = ["-H", "X-Key: s3cret"]

describe("a header of halyard get", () => {
  for (const first of [
    "api.example.com/private",
    "localhost:8080/private",
    "http://api.example.com:99999/private",
    "ftp://api.example.com/private",
    "http://api.exa\u0001mple.com/private"
  ]) {
    it.scopedLive(`goes to no origin if the first URL has none: ${JSON.stringify(first)}`, () =>
      Effect.gen(function* () {
        const other = yield* recording
        const cwd = yield* temporaryDirectory
        writeFileSync(`${cwd}/list`, `# a list\n${first}\n${other.url}/x\n`)
        for (const line of [
          [first, `${other.url}/x`],
          ["-i", "list"]
        ]) {
          const { exitCode, stderr, stdout } = yield* run(["get", ...line, ...key], { cwd })
          assert.deepStrictEqual([exitCode, stdout], [2, ""])
          assert.match(stderr, /^halyard get: --header is for the origin of the first URL[^\n]*: [^\n]*\n$/)
          assert.notInclude(stderr, "s3cret")
        }
        assert.strictEqual(other.connections(), 0)
        assert.deepStrictEqual(filesIn(cwd), ["list"])
      })
    )
  }

  it.scopedLive("is sent to the origin of the first URL of a list, and a line says how many URLs do not get it", () =>
    Effect.gen(function* () {
      const [first, second] = [yield* recording, yield* recording]
      const cwd = yield* temporaryDirectory
      writeFileSync(`${cwd}/list`, [`${first.url}/a`, `${second.url}/b`, "no URL", `${first.url}/c`].join("\n"))
      const { exitCode, stderr } = yield* run(["get", "-i", "list", ...key], { cwd })
      assert.strictEqual(exitCode, 1)
      assert.deepStrictEqual([...first.seen.sort(), ...second.seen], ["/a s3cret", "/c s3cret", "/b undefined"])
      assert.include(stderr, `\nthe headers are for ${first.url}: not sent to 2 URLs of other origins\n`)
    })
  )

  it.scopedLive("belongs to the first argument if there is a list as well", () =>
    Effect.gen(function* () {
      const [first, second] = [yield* recording, yield* recording]
      const cwd = yield* temporaryDirectory
      writeFileSync(`${cwd}/list`, `${second.url}/b\n${first.url}/c\n`)
      const { stderr } = yield* run(["get", "-i", "list", `${first.url}/a`, ...key], { cwd })
      assert.deepStrictEqual([...first.seen.sort(), ...second.seen], ["/a s3cret", "/c s3cret", "/b undefined"])
      assert.include(stderr, "not sent to 1 URL of other origins\n")
    })
  )

  it.scopedLive("is not an error with an empty list", () =>
    Effect.gen(function* () {
      const cwd = yield* temporaryDirectory
      writeFileSync(`${cwd}/list`, "# nothing\n")
      assert.strictEqual((yield* run(["get", "-i", "list", ...key], { cwd })).exitCode, 0)
    })
  )

  it.scopedLive("prints a report if the run is interrupted while it waits for the first URL", () =>
    Effect.gen(function* () {
      const cwd = yield* temporaryDirectory
      const running = yield* halyard(["get", "-i", "-", ...key], { cwd, stdin: "open" })
      yield* running.type("# no URL yet\n")
      // The program handles signals once it reads its input. The test waits for that read.
      yield* Effect.sleep("1 second")
      yield* running.signal("SIGTERM")
      const { exitCode, stderr } = yield* running.ended
      assert.strictEqual(exitCode, 143)
      assert.match(stderr, /^0 saved; /m)
    })
  )

  it.scopedLive("that is given twice is sent with both values", () =>
    Effect.gen(function* () {
      const seen: Array<unknown> = []
      const { url } = yield* http(({ headers: { cookie, "x-key": values } }, response) => {
        seen.push([values, cookie])
        response.end()
      })
      const cwd = yield* temporaryDirectory
      const cookies = ["-H", "Cookie: a=1", "-H", "Cookie: b=2"]
      yield* run(["get", `${url}/a`, "-H", "X-Key: one", "-H", "x-key: two", ...cookies], { cwd })
      assert.deepStrictEqual(seen, [["one, two", "a=1; b=2"]])
    })
  )

  it.scopedLive(
    "is read from a file, a pipe, standard input or the environment, which no list of processes shows",
    () =>
      Effect.gen(function* () {
        const origin = yield* recording
        const cwd = yield* temporaryDirectory
        writeFileSync(`${cwd}/headers`, "\ufeffX-Key: from a file\r\n\r\nX-Other: x\r\n")
        const ended = yield* runBash(
          `halyard get ${origin.url}/file -H @headers &&
        halyard get ${origin.url}/pipe -H @<(echo X-Key: from a pipe) &&
        echo X-Key: from standard input | halyard get ${origin.url}/stdin -H @- &&
        KEY='X-Key: from the environment' halyard get ${origin.url}/environment --header-env KEY`,
          { cwd }
        )
        assert.strictEqual(ended.exitCode, 0, ended.stderr)
        assert.deepStrictEqual(origin.seen, [
          "/file from a file",
          "/pipe from a pipe",
          "/stdin from standard input",
          "/environment from the environment"
        ])
      })
  )

  it.scopedLive("that cannot be read is reported in one sentence without its value, before any request", () =>
    Effect.gen(function* () {
      const origin = yield* recording
      const cwd = yield* temporaryDirectory
      writeFileSync(`${cwd}/wrong`, "X-Key: s3cret\ns3cret without a name\n")
      writeFileSync(`${cwd}/large`, `X-Key: ${"s3cret".repeat(20_000)}\n`)
      writeFileSync(`${cwd}/latin1`, Buffer.from("X-Key: s3cret\xe9\n", "latin1"))
      writeFileSync(`${cwd}/blank`, "\n \n")
      writeFileSync(`${cwd}/own`, "Range: bytes=1-\n")
      for (const [line, said] of [
        [["-H", "@wrong"], "--header @wrong: line 2 is not NAME:VALUE"],
        [["-H", "@large"], "--header @large: it is larger than 64 KiB"],
        [["-H", "@latin1"], "--header @latin1: it has bytes that are not UTF-8"],
        [["-H", "@own"], "--header NAME:VALUE: the downloader sets the header Range itself"],
        [["-H", "@none"], "--header @none: there is no such file"],
        [["-H", "@."], "--header @.: it is a directory"],
        [["-H", ""], "--header NAME:VALUE must have a name and a colon, or be @FILE"],
        [["-H", "", "-o", "-"], "--header NAME:VALUE must have a name and a colon, or be @FILE"],
        [["-H", "X-Key: s3cret", "-H", ""], "--header NAME:VALUE must have a name and a colon, or be @FILE"],
        [["-H", "@blank"], "--header @blank: it has no header"],
        [["--header-env", "EMPTY_KEY"], "--header-env EMPTY_KEY: it has no header"],
        [["--header-env", ""], "--header-env NAME must be the name of an environment variable"],
        [["--header-env", "NO_SUCH_KEY"], "--header-env NAME: there is no environment variable NO_SUCH_KEY"],
        [["-H", "@-", "-i", "-"], "standard input can be read once, for --input or for one --header"]
      ] as const) {
        const { exitCode, stderr, stdout } = yield* run(["get", `${origin.url}/a`, ...line], {
          cwd,
          env: { EMPTY_KEY: "" }
        })
        assert.deepStrictEqual([exitCode, stdout, stderr], [2, "", `halyard get: ${said}\n`])
      }
      assert.strictEqual(origin.connections(), 0)
    })
  )

  it.scopedLive("is not needed for a password, which a URL of a list may have", () =>
    Effect.gen(function* () {
      const seen: Array<unknown> = []
      const { url } = yield* http(({ headers: { authorization } }, response) => {
        seen.push(authorization)
        response.end()
      })
      const cwd = yield* temporaryDirectory
      writeFileSync(`${cwd}/list`, `${url.replace("//", "//me:s3cret@")}/a\n`)
      const { exitCode, stderr, stdout } = yield* run(["get", "-i", "list", "--json"], { cwd })
      assert.strictEqual(exitCode, 0)
      assert.deepStrictEqual(seen, [`Basic ${Buffer.from("me:s3cret").toString("base64")}`])
      assert.notInclude(stdout + stderr, "s3cret")
    })
  )
})
