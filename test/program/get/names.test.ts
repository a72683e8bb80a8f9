/**
 * Where `halyard get` writes: names of servers, of hosts and of templates.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { get } from "../../support/get.js"
import { http } from "../../support/loopback.js"

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
      assert.match(stderr, /^halyard get: .*--remote-header-name\n$/)
    })
  )
})
