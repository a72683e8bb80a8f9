/**
 * `halyard get` as a process that is stopped for longer than its time limits: bytes that arrived in the meantime are received.
 */

import type { ServerResponse } from "node:http"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { until } from "../../support/poll.js"
import { filesIn, halyard, temporaryDirectory } from "../../support/program/program.js"
import { http } from "../../support/servers/loopback.js"

// The time limits of the command.
const limitSeconds = 4

describe.concurrent("a halyard get that is stopped", () => {
  for (const [what, options, begins] of [
    ["before the head", ["--headers-timeout", `${limitSeconds}`], false],
    ["before the head, with a limit for all", ["--timeout", `${limitSeconds}`], false],
    ["before the head, with a deadline", ["--max-time", `${limitSeconds}`], false],
    ["within the body", ["--speed-time", `${limitSeconds}`], true]
  ] as const) {
    it.scopedLive(`does not count that time: ${what}`, () =>
      Effect.gen(function* () {
        const waiting: Array<ServerResponse> = []
        const { url } = yield* http((_, response) => {
          if (begins) {
            response.writeHead(200, { "content-length": "2" }).write("a")
          }
          waiting.push(response)
        })
        const cwd = yield* temporaryDirectory
        const running = yield* halyard(["get", `${url}/file`, "--retries", "0", ...options], { cwd })
        const response = yield* until(
          "request",
          () => waiting[0],
          () => ""
        )
        yield* running.signal("SIGSTOP")
        response.end(begins ? "b" : "ab")
        // Longer than the limit: a stopped process has no event to wait for.
        yield* Effect.sleep(limitSeconds * 1250)
        yield* running.signal("SIGCONT")
        const { exitCode, stderr } = yield* running.ended
        assert.strictEqual(exitCode, 0, stderr)
        assert.deepStrictEqual(filesIn(cwd), ["file"])
      })
    )
  }
})
