/**
 * What `halyard get` says while it waits, and where a request failed that was redirected.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { http } from "../support/loopback.js"
import { halyard, temporaryDirectory } from "../support/program.js"
import { ctrlC, halyardOnTerminal, itOnTerminal } from "../support/pseudoTerminal.js"

/** Asks to be left alone for 100 seconds. */
const busy = Effect.suspend(() =>
  http((_, response) => response.writeHead(429, { "retry-after": "100", "content-length": "0" }).end())
)

const waited = (url: string) => new RegExp(`^${url}/a: HTTP error 429 - Too Many Requests; again in 1\\d\\d s$`, "m")

describe("a retry of halyard get", () => {
  for (const threads of ["1", "2"]) {
    it.scopedLive(`is told on standard error: --threads ${threads}`, () =>
      Effect.gen(function* () {
        const { url } = yield* busy
        const cwd = yield* temporaryDirectory
        const running = yield* halyard(["get", `${url}/a`, "--threads", threads], { cwd })
        yield* running.awaitOutput(/again in/)
        yield* running.signal("SIGINT")
        const { exitCode, stderr, stdout } = yield* running.ended
        assert.deepStrictEqual([exitCode, stdout], [130, ""])
        assert.match(stderr, waited(url))
      })
    )
  }

  itOnTerminal(
    "is counted down in the status line",
    Effect.gen(function* () {
      const { url } = yield* busy
      const cwd = yield* temporaryDirectory
      const terminal = yield* halyardOnTerminal(["get", `${url}/a`], { cwd, columns: 160 })
      yield* terminal.awaitRows(
        /1 under way, 0 B; again in 1\d\d s after HTTP error 429 - Too Many Requests: http\S+\/a$/
      )
      yield* terminal.type(ctrlC)
      assert.strictEqual((yield* terminal.ended).exitCode, 130)
      assert.notInclude(terminal.rows().join("\n"), "again in")
    })
  )

  it.scopedLive("adds nothing to --json", () =>
    Effect.gen(function* () {
      const { url } = yield* busy
      const cwd = yield* temporaryDirectory
      const running = yield* halyard(["get", `${url}/a`, "--json"], { cwd })
      yield* running.awaitOutput(/"event":"Retrying"/)
      yield* running.signal("SIGINT")
      assert.strictEqual((yield* running.ended).stderr, "downloading\n")
    })
  )
})
