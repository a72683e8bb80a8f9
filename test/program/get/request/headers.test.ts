/**
 * The headers of `halyard get`: how they are read, and to which origin they are sent.
 */
import { writeFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { halyard, run, runBash, temporaryDirectory } from "../../../support/program/program.js"
import { http } from "../../../support/servers/loopback.js"

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
  it.scopedLive("is sent to the origin of the first URL of a list, and the other URLs are counted", () =>
    Effect.gen(function* () {
      const [first, second] = [yield* recording, yield* recording]
      const cwd = yield* temporaryDirectory
      writeFileSync(`${cwd}/list`, [`${first.url}/a`, `${second.url}/b`, "no URL", `${first.url}/c`].join("\n"))
      const { exitCode, stderr } = yield* run(["get", "-i", "list", ...key], { cwd })
      assert.strictEqual(exitCode, 1)
      assert.deepStrictEqual([...first.seen.sort(), ...second.seen], ["/a s3cret", "/c s3cret", "/b undefined"])
      assert.include(stderr, `\nthe headers are for ${first.url}: not sent to 1 URL of other origins\n`)
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

  it.scopedLive("may be given with an empty list", () =>
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
      // The program handles signals once it reads its input. A pipe does not hold so much: it has read.
      yield* running.type("# no URL yet\n".repeat(100_000))
      yield* running.signal("SIGTERM")
      const { exitCode, stderr } = yield* running.ended
      assert.strictEqual(exitCode, 143)
      assert.match(stderr, /^0 saved; /m)
    })
  )

  it.scopedLive("with two values is sent with both", () =>
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

  it.scopedLive("is read from a file, a pipe, standard input or the environment", () =>
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

  it.scopedLive("is made from the password of a URL in a list", () =>
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
