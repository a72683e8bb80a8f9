/**
 * `halyard get` that a signal ends, and the same command after it.
 */
import { readFileSync, statSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { until } from "../../support/poll.js"
import { outcomesOf } from "../../support/program/eventLines.js"
import { get } from "../../support/program/get.js"
import { randomBytes, serving, sha256, Traffic } from "../../support/program/killedRuns.js"
import { filesIn, halyard, temporaryDirectory } from "../../support/program/program.js"
import { http } from "../../support/servers/loopback.js"

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
        assert.match(ended.stderr, /^1 unfinished part of [1-4]\.\d MB is kept: the same command continues it$/m)
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

  for (const [headers, one, many] of [
    [{}, "the server sends no ETag or Last-Modified", "the servers send no ETag or Last-Modified"],
    [{ etag: '"1"', "accept-ranges": "none" }, "the server does not send parts", "the servers do not send parts"]
  ] as const) {
    it.scopedLive(`says how many bytes are discarded, because ${one}`, () =>
      Effect.gen(function* () {
        const { url } = yield* http((_, response) => {
          response.writeHead(200, { "content-length": content.length, ...headers }).write(content.subarray(0, 200_000))
        })
        const linesOf = (files: number) =>
          Effect.gen(function* () {
            const cwd = yield* temporaryDirectory
            const urls = Array.from({ length: files }, (_, index) => `${url}/${index}.bin`)
            const running = yield* halyard(["get", ...urls], { cwd })
            const isPart = (name: string) => name.endsWith(".part")
            const isWritten = (name: string) => isPart(name) && statSync(`${cwd}/${name}`).size >= 100_000
            yield* until("parts", () => filesIn(cwd).filter(isWritten).length === files || undefined, running.stderr)
            yield* running.signal("SIGINT")
            const { stderr } = yield* running.ended
            assert.notInclude(stderr, "kept")
            assert.isFalse(filesIn(cwd).some(isPart))
            return stderr.split("\n").filter((line) => line.includes("discarded"))
          })
        const [single = "", ...rest] = yield* linesOf(1)
        assert.match(single, /^\d+\.\d kB of 0\.bin were discarded, because /)
        assert.include(single, one)
        const [both = "", ...others] = yield* linesOf(2)
        assert.match(both, /^\d+\.\d kB of 2 unfinished files were discarded, because /)
        assert.include(both, many)
        assert.deepStrictEqual([...rest, ...others], [])
      })
    )
  }

  it.scopedLive("keeps nothing with --no-resume", () =>
    Effect.gen(function* () {
      const { cwd, ended } = yield* interrupted("SIGINT", ["--no-resume"])
      assert.notInclude(ended.stderr, "kept")
      assert.isFalse(filesIn(cwd).some((name) => name.endsWith(".part")))
    })
  )
})
