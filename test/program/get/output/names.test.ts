/**
 * Where `halyard get` writes: names of servers, of hosts and of templates.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { get } from "../../../support/program/get.js"
import { http } from "../../../support/servers/loopback.js"

/** Names each file by the query `as`. */
const naming = Effect.suspend(() =>
  http((request, response) => {
    const name = new URL(request.url ?? "", "http://origin").searchParams.get("as")
    if (name !== null) {
      response.setHeader("content-disposition", `attachment; filename*=UTF-8''${encodeURIComponent(name)}`)
    }
    response.end(request.url)
  })
)

describe("halyard get -J", () => {
  it.scopedLive("saves each file under its server's name, once, and tells each name that was changed", () =>
    Effect.gen(function* () {
      const { url } = yield* naming
      const ended = yield* get([
        "-J",
        "-c1",
        `${url}/download?id=1&as=a.txt`,
        `${url}/download?id=2&as=a.txt`,
        `${url}/download?id=3&as=../.profile`,
        `${url}/plain.txt`
      ])
      assert.strictEqual(ended.exitCode, 0, ended.stderr)
      assert.deepStrictEqual(ended.files, ["_profile", "a-2.txt", "a.txt", "plain.txt"])
      assert.strictEqual(ended.read("a-2.txt"), "/download?id=2&as=a.txt")
      assert.match(ended.stderr, /saved as a-2\.txt, because another file is named a\.txt$/m)
      assert.match(ended.stderr, /saved as _profile, because the server's name '\.profile' is not safe$/m)
      assert.notMatch(ended.stderr, /id=\d/)
    })
  )

  it.scopedLive("skips a file whose name the server gives, and says which", () =>
    Effect.gen(function* () {
      const { url } = yield* naming
      const first = yield* get(["-J", `${url}/download?as=a.txt`])
      const again = yield* get(["-J", `${url}/download?as=a.txt&again`, "--on-exists", "skip"], { cwd: first.cwd })
      assert.deepStrictEqual([again.exitCode, again.files], [0, ["a.txt"]])
      assert.match(again.stderr, /^a\.txt: skipped, because it exists$/m)
      assert.strictEqual(again.read("a.txt"), "/download?as=a.txt")
    })
  )

  it.scopedLive("is refused beside --output", () =>
    Effect.gen(function* () {
      const { exitCode, files, stderr } = yield* get(["-J", "-o", "a", "http://127.0.0.1:1/x"])
      assert.deepStrictEqual([exitCode, files], [2, []])
      assert.strictEqual(
        stderr,
        "halyard get: --output and --remote-header-name both name the file: give one of them\n"
      )
    })
  )
})

describe("halyard get -x", () => {
  it.scopedLive("saves files in the directories of their URLs, and tells what it changed", () =>
    Effect.gen(function* () {
      const { port, url } = yield* naming
      const urls = ["/a", "/a/b", "/a//c/%2e%2e/d%2Fe", "/A/b", "/x/../y/?q=1", "/CON/f"].map((path) => url + path)
      const ended = yield* get(["-x", "-d", "out", ...urls])
      assert.strictEqual(ended.exitCode, 0, ended.stderr)
      const host = `out/127.0.0.1+${port}`
      assert.deepStrictEqual(
        ended.stdout.trim().split("\n").sort(),
        ["A-2/b-2", "_CON/f", "a", "a-2/b", "a-2/d_e", "y/index.html"].map((path) => `${host}/${path}`)
      )
      assert.strictEqual(ended.read(`${host}/a-2/b`), "/a/b")
      assert.include(ended.stderr, `${url}/a/b: named 127.0.0.1+${port}/a-2/b, because`)
      assert.include(
        ended.stderr,
        `${url}/CON/f: named 127.0.0.1+${port}/_CON/f, because the name in the URL is not safe`
      )
    })
  )

  it.scopedLive("saves the server's name there with -J", () =>
    Effect.gen(function* () {
      const { port, url } = yield* naming
      const ended = yield* get(["-xJ", `${url}/d/download?as=..%2Fb.txt`])
      assert.strictEqual(ended.stdout, `127.0.0.1+${port}/d/b.txt\n`)
    })
  )
})

describe("halyard get --name", () => {
  it.scopedLive("names files by the template, below the directory", () =>
    Effect.gen(function* () {
      const { port, url } = yield* naming
      const template = "{host}/{path}/{index:03}-{name}.{ext}"
      const ended = yield* get(["-d", "out", "--name", template, `${url}/x/y/a.tar.gz`, `${url}/README`, "-c1"])
      assert.deepStrictEqual(ended.stdout.trim().split("\n"), [
        `out/127.0.0.1+${port}/x/y/001-a.tar.gz`,
        `out/127.0.0.1+${port}/002-README`
      ])
    })
  )

  it.scopedLive("says that a name is too long", () =>
    Effect.gen(function* () {
      const { url } = yield* naming
      const ended = yield* get(["--name", `${"a".repeat(400)}.{ext}`, `${url}/b.txt`])
      assert.deepStrictEqual([ended.exitCode, ended.files], [0, [`${"a".repeat(196)}.txt`]])
      assert.match(ended.stderr, /: named a{196}\.txt, because a name can have at most 200 bytes$/m)
    })
  )

  it.scopedLive("is refused with a sentence if it is wrong", () =>
    Effect.gen(function* () {
      for (const [template, problem] of [
        ["{hots}/{name}", "unknown placeholder '{hots}'; did you mean '{host}'?"],
        ["{", "it has a single '{'; write '{{' for a brace"],
        ["../{name}", "it must not have the segments '.' and '..'"],
        ["/tmp/{name}", "it must not begin with '/', because files are saved below the directory"],
        ["{host}/", "it must end with the name of a file"]
      ] as const) {
        const { exitCode, files, stderr } = yield* get(["--name", template, "http://127.0.0.1:1/a"])
        assert.deepStrictEqual([exitCode, files], [2, []])
        assert.strictEqual(stderr, `halyard get: --name TEMPLATE: ${problem.replace(/\.$/, "")}\n`)
      }
    })
  )
})
