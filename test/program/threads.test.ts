/**
 * `halyard get --threads`: what a run promises, in worker threads too.
 */
import { readFileSync, writeFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { http } from "../support/loopback.js"
import { until } from "../support/poll.js"
import { filesIn, halyard, isAlive, run, temporaryDirectory } from "../support/program.js"

/** Answers after a few milliseconds, and counts the requests that are open. */
const origin = (millis: number) =>
  Effect.gen(function* () {
    const counts = { open: 0, most: 0, all: 0 }
    const { sockets, url } = yield* http((request, response) => {
      counts.all++
      counts.open++
      counts.most = Math.max(counts.most, counts.open)
      response.once("close", () => {
        counts.open--
      })
      setTimeout(() => {
        if (request.url?.startsWith("/missing") === true) {
          response.writeHead(404).end()
        } else {
          response.end(`content of ${request.url}`)
        }
      }, millis)
    })
    return { url, counts, sockets }
  })

const listOf = (cwd: string, url: string, count: number): string => {
  const file = `${cwd}/list`
  writeFileSync(file, Array.from({ length: count }, (_, index) => `${url}/${index}\n`).join(""))
  return file
}

const reportIn = (stdout: string): unknown => JSON.parse(stdout.trim().split("\n").at(-1) ?? "").report

describe("halyard get --threads", () => {
  it.scopedLive("saves the same files, within the limits of the line, and reports the same", () =>
    Effect.gen(function* () {
      const { counts, url } = yield* origin(2)
      const cwd = yield* temporaryDirectory
      const list = listOf(cwd, url, 300)
      const line = [`${url}/missing`, "-i", list, "-d", `${cwd}/out`, "-c", "9", "--per-origin", "5", "--json"]
      const { exitCode, stdout } = yield* run(["get", ...line, "--threads", "3"])
      assert.strictEqual(exitCode, 1)
      assert.deepInclude(reportIn(stdout), { saved: 300, failed: 1, notFound: 1, cancelled: 0 })
      assert.strictEqual(stdout.trim().split("\n").length, 302)
      assert.strictEqual(filesIn(`${cwd}/out`).length, 300)
      assert.strictEqual(readFileSync(`${cwd}/out/7`, "utf8"), "content of /7")
      assert.isAtMost(counts.most, 5)
      const again = yield* run(["get", "-i", list, "-d", `${cwd}/out`, "--json", "--threads", "2"])
      assert.strictEqual(again.exitCode, 0)
      assert.deepInclude(reportIn(again.stdout), { saved: 0, skipped: 300 })
    })
  )

  it.scopedLive("needs no thread for a few files with auto", () =>
    Effect.gen(function* () {
      const { url } = yield* origin(0)
      const cwd = yield* temporaryDirectory
      const { exitCode, stdout } = yield* run(["get", "-i", listOf(cwd, url, 50), "-d", `${cwd}/out`, "--threads=auto"])
      assert.strictEqual(exitCode, 0)
      assert.strictEqual(stdout.trim().split("\n").length, 50)
    })
  )

  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    it.scopedLive(`cancels in every thread, reports and leaves whole files only: ${signal}`, () =>
      Effect.gen(function* () {
        const { counts, sockets, url } = yield* origin(20)
        for (const begun of [1, 40, 160]) {
          const cwd = yield* temporaryDirectory
          const before = counts.all
          const line = ["get", "-i", listOf(cwd, url, 2000), "-d", `${cwd}/out`, "-c", "10", "--threads", "2", "--json"]
          const program = yield* halyard(line)
          yield* until(
            "requests",
            () => counts.all - before >= begun || undefined,
            () => `${counts.all}`
          )
          yield* program.signal(signal)
          const { exitCode, stderr, stdout } = yield* program.ended
          assert.strictEqual(exitCode, signal === "SIGINT" ? 130 : 143, stderr)
          const outcomes = stdout.trim().split("\n").slice(0, -1)
          const saved = outcomes.filter((one) => one.startsWith('{"outcome":"Saved"'))
          const cancelled = outcomes.filter((one) => one.startsWith('{"outcome":"Cancelled"'))
          assert.strictEqual(saved.length + cancelled.length, outcomes.length)
          assert.isAbove(cancelled.length, 0)
          assert.deepInclude(reportIn(stdout), { saved: saved.length, cancelled: cancelled.length, failed: 0 })
          assert.strictEqual(filesIn(`${cwd}/out`).length, saved.length)
          assert.isFalse(filesIn(`${cwd}/out`).some((name) => name.endsWith(".part")))
          assert.isFalse(isAlive(program.pid))
          yield* until(
            "end of the connections",
            () => sockets() === 0 || undefined,
            () => `${sockets()}`
          )
        }
      })
    )
  }

  it.scopedLive("ends at once with the second Ctrl-C", () =>
    Effect.gen(function* () {
      const { counts, url } = yield* origin(100_000)
      const cwd = yield* temporaryDirectory
      const program = yield* halyard(["get", "-i", listOf(cwd, url, 100), "-d", cwd, "--threads", "2"])
      yield* until(
        "requests",
        () => counts.open === 8 || undefined,
        () => `${counts.open}`
      )
      yield* program.signal("SIGINT")
      yield* Effect.sleep("350 millis")
      yield* program.signal("SIGINT")
      assert.strictEqual((yield* program.ended).exitCode, 130)
    })
  )

  for (const value of ["0", "65", "two", "1.5", "-1", ""]) {
    it.scopedLive(`refuses --threads '${value}' in one sentence`, () =>
      Effect.gen(function* () {
        const { exitCode, stderr, stdout } = yield* run(["get", "http://a.test/b", `--threads=${value}`])
        assert.strictEqual(exitCode, 2)
        assert.strictEqual(stdout, "")
        assert.include(stderr, `--threads N must be a whole number from 1 to 64, or auto, not '${value}'`)
      })
    )
  }
})
