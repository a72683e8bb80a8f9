/**
 * The time limits of `halyard get`.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { run, temporaryDirectory } from "../../../support/program/program.js"
import { http } from "../../../support/servers/loopback.js"

/** `/silent` never answers, `/stalls` sends a byte of two, `/busy` has too much. */
const origin = Effect.suspend(() =>
  http((request, response) => {
    if (request.url === "/stalls") {
      response.writeHead(200, { "content-length": "2" }).write("x")
    } else if (request.url === "/busy") {
      response.writeHead(500, { "content-length": "0" }).end()
    } else if (request.url !== "/silent") {
      response.end("content")
    }
  })
)

describe("the limits of halyard get", () => {
  for (const [options, path, said] of [
    [["--headers-timeout", "0.2", "--retries", "0"], "silent", "timed out after 0.2s waiting for the response headers"],
    [["--speed-time", "0.2", "--retries", "0"], "stalls", "timed out after 0.2s waiting for more of the body"],
    [
      ["--speed-time=0.2", "--speed-limit=1M", "--retries=0"],
      "stalls",
      "timed out after 0.2s waiting for more of the body"
    ],
    [["--timeout", "0.2", "--retries", "0"], "silent", "timed out after 0.2s waiting for the response"],
    [["--timeout", "0.0001", "--retries", "0"], "silent", "timed out after 0.001s waiting for the response"],
    [["--max-time", "0.2"], "silent", "timed out after 0.2s waiting for the file"],
    [["--max-time", "0.2"], "stalls", "timed out after 0.2s waiting for the rest of the file"]
  ] as const) {
    it.scopedLive(`are reported: ${options.join(" ")}, /${path}`, () =>
      Effect.gen(function* () {
        const { url } = yield* origin
        const cwd = yield* temporaryDirectory
        const { exitCode, stderr } = yield* run(["get", `${url}/${path}`, ...options], { cwd })
        assert.strictEqual(exitCode, 1)
        assert.include(stderr, `${url}/${path}: ${said}\n`)
      })
    )
  }

  it.scopedLive("do not affect a transfer without waits", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const cwd = yield* temporaryDirectory
      const limits = ["--connect-timeout", "--headers-timeout", "--speed-time", "--max-time", "--timeout"]
      const { exitCode } = yield* run(["get", `${url}/file`, ...limits.flatMap((name) => [name, "20"])], { cwd })
      assert.strictEqual(exitCode, 0)
    })
  )
})
