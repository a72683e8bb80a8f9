/**
 * `halyard get` that a signal ends, and the same command after it.
 */
import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { outcomesOf } from "../../support/eventLines.js"
import { get } from "../../support/get.js"
import { randomBytes, serving, sha256, Traffic } from "../../support/killedRuns.js"
import { http } from "../../support/loopback.js"
import { filesIn, halyard, temporaryDirectory } from "../../support/program.js"

const content = randomBytes(4 * 1024 * 1024)

/** Interrupts a run when the server has sent half of the file. */
const interrupted = (signal: NodeJS.Signals, options: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const traffic = new Traffic("bytes")
    const { url } = yield* http(serving(traffic, new Map([["/large.bin", content]])))
    const cwd = yield* temporaryDirectory
    const parameters = [...options, `${url}/large.bin`]
    const running = yield* halyard(["get", ...parameters], { cwd })
    traffic.after(content.length / 2, () => process.kill(running.pid, signal))
    const ended = yield* running.ended
    traffic.sentBytes = 0
    return { cwd, ended, parameters, traffic }
  })

describe("an interrupted halyard get", () => {
  for (const [signal, exitCode] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129]
  ] as const) {
    it.scopedLive(`keeps its part on ${signal}, and says that the same command continues it`, () =>
      Effect.gen(function* () {
        const { cwd, ended, parameters, traffic } = yield* interrupted(signal, [])
        assert.strictEqual(ended.exitCode, exitCode)
        assert.include(ended.stderr, "1 unfinished part is kept: the same command continues it\n")
        const { exitCode: code, stderr } = yield* get(parameters, { cwd })
        assert.strictEqual(code, 0, stderr)
        assert.isBelow(traffic.sentBytes, 0.6 * content.length)
        assert.strictEqual(sha256(readFileSync(`${cwd}/large.bin`)), sha256(content))
        assert.isFalse(filesIn(cwd).some((name) => /^\.halyard-.*(?:part|record)$/.test(name)))
      })
    )
  }

  it.scopedLive("tells how many bytes are kept with --json", () =>
    Effect.gen(function* () {
      const { ended } = yield* interrupted("SIGINT", ["--json"])
      const [line] = outcomesOf(ended.stdout)
      assert.strictEqual(line?.outcome, "Cancelled")
      assert.isAbove(line?.outcome === "Cancelled" ? (line.keptBytes ?? 0) : 0, 0.4 * content.length)
    })
  )

  it.scopedLive("keeps nothing with --no-resume", () =>
    Effect.gen(function* () {
      const { cwd, ended } = yield* interrupted("SIGINT", ["--no-resume"])
      assert.notInclude(ended.stderr, "kept")
      assert.isFalse(filesIn(cwd).some((name) => name.endsWith(".part")))
    })
  )
})
