/**
 * SIGHUP, SIGINT and SIGTERM at any moment after the start. The process ends within a time limit, with the exit code of the signal or
 * by the signal itself, and without a stack trace.
 */
import { constants } from "node:os"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { longSpin } from "../../support/program/longSpin.js"
import { halyard, temporaryDirectory } from "../../support/program/program.js"
import { http } from "../../support/servers/loopback.js"

const silent = http(() => {})

describe("a signal at any moment", () => {
  for (const signal of ["SIGHUP", "SIGINT", "SIGTERM"] as const) {
    it.scopedLive(`ends every command: ${signal}`, () =>
      Effect.gen(function* () {
        const { url } = yield* silent
        const cwd = yield* temporaryDirectory
        const runs = [
          ["get", `${url}/file`],
          ["flags", "-s", "DELAY"],
          ["spin"],
          ["spin", "--", "sleep", "30"],
          ["serve", "0"]
        ].flatMap((line) => [40, 120, 250, 500].map((millis) => ({ line, millis })))
        yield* Effect.forEach(
          runs,
          ({ line, millis }) =>
            Effect.scoped(
              Effect.gen(function* () {
                const program = yield* halyard(line, { cwd, env: longSpin })
                yield* Effect.sleep(millis)
                yield* program.signal(signal)
                const ended = yield* program.ended
                const what = `${line.join(" ")} after ${millis} ms`
                assert.isTrue(ended.signal === signal || ended.exitCode === 128 + constants.signals[signal], what)
                assert.notMatch(ended.stderr, /^\s+at /m, what)
              })
            ),
          { concurrency: 3 }
        )
      })
    )
  }
})
