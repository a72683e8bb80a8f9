/**
 * `halyard get` that a signal ends, and the run after it.
 */
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { until } from "../../support/poll.js"
import { reportOf } from "../../support/program/eventLines.js"
import { get, getFromPipe, origin } from "../../support/program/get.js"
import { filesIn, halyard, run, temporaryDirectory } from "../../support/program/program.js"
import { runDataOf } from "../../support/recorded/recordedRun.js"
import { http } from "../../support/servers/loopback.js"

describe("an interrupted halyard get", () => {
  for (const [signal, exitCode] of [
    ["SIGINT", 130],
    ["SIGTERM", 143]
  ] as const) {
    it.scopedLive(`reports its results on ${signal}, and leaves no part`, () =>
      Effect.gen(function* () {
        const { url } = yield* origin
        const cwd = yield* temporaryDirectory
        const running = yield* halyard(["get", `${url}/a`, `${url}/slow`], { cwd })
        yield* running.awaitOutput(/^a$/m)
        yield* running.signal(signal)
        const ended = yield* running.ended
        assert.strictEqual(ended.exitCode, exitCode)
        assert.match(ended.stderr, /^1 saved, 1 cancelled; /m)
        assert.deepStrictEqual(filesIn(cwd), ["a"])
      })
    )
  }

  it.scopedLive("counts the files that were not started", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const cwd = yield* temporaryDirectory
      const others = Array.from({ length: 100 }, (_, index) => `${url}/${index}`)
      const running = yield* halyard(["get", `${url}/a`, `${url}/slow`, ...others, "-c", "1"], { cwd })
      yield* running.awaitOutput(/^a$/m)
      yield* running.signal("SIGINT")
      const [, cancelled, left] =
        /^1 saved, (\d+) cancelled, (\d+) not started; /m.exec((yield* running.ended).stderr) ?? []
      assert.strictEqual(Number(cancelled) + Number(left), 101)
      // Requests that were taken from the input ahead of the one that was in flight are among those that were not started.
      assert.strictEqual(cancelled, "1")
    })
  )

  it.scopedLive("counts the files that waited for a permit among those that were not started", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const cwd = yield* temporaryDirectory
      const others = Array.from({ length: 100 }, (_, index) => `${url}/${index}`)
      const options = ["-c", "8", "--per-origin", "1", "--report", "run.html"]
      const running = yield* halyard(["get", `${url}/a`, `${url}/slow`, ...others, ...options], { cwd })
      yield* running.awaitOutput(/^a$/m)
      yield* running.signal("SIGINT")
      const { stderr } = yield* running.ended
      assert.match(stderr, /^1 saved, (?:1 cancelled, 100|101) not started; /m)
    })
  )

  it.scopedLive("counts the same in the line of --json, in the page, and in the page of its lines", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const cwd = yield* temporaryDirectory
      // Longer than what a run takes from its input before it needs it.
      const others = Array.from({ length: 20_000 }, (_, index) => `${url}/${index}`)
      writeFileSync(`${cwd}/list`, [`${url}/a`, `${url}/slow`, ...others].join("\n"))
      const options = ["-c", "1", "--json", "--report", "run.html"]
      const running = yield* halyard(["get", "-i", "list", ...options], { cwd })
      yield* running.awaitOutput(/"event":"Expected"/)
      yield* running.awaitOutput(/"event":"Advanced","atMillis":\d+,"index":2,/)
      yield* running.signal("SIGINT")
      const { stdout } = yield* running.ended
      const { cancelled, notStarted, saved } = reportOf(stdout)
      assert.deepStrictEqual({ cancelled, notStarted, saved }, { cancelled: 1, notStarted: 20_000, saved: 1 })
      writeFileSync(`${cwd}/run.ndjson`, stdout)
      assert.strictEqual((yield* run(["report", "run.ndjson", "--html", "made.html"], { cwd })).exitCode, 0)
      for (const file of ["run.html", "made.html"]) {
        const { counts, transfers } = runDataOf(readFileSync(`${cwd}/${file}`, "utf8"))
        assert.deepInclude(counts, { cancelled: 1, notStarted: 20_000, saved: 1, unfinished: 0 })
        assert.isBelow(transfers.began.length, 20_000)
      }
    })
  )

  it.scopedLive("ends at once on SIGTERM while it waits for its list", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const cwd = yield* temporaryDirectory
      const running = yield* getFromPipe(url, cwd)
      yield* running.signal("SIGTERM")
      assert.strictEqual((yield* running.ended).exitCode, 143)
    })
  )

  it.scopedLive("is completed by a second run after kill -9", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const cwd = yield* temporaryDirectory
      const running = yield* halyard(["get", `${url}/a`, `${url}/slow`], { cwd })
      yield* running.awaitOutput(/^a$/m)
      yield* running.signal("SIGKILL")
      yield* running.ended
      assert.isFalse(existsSync(`${cwd}/slow`))
      const second = yield* get([`${url}/a`, `${url}/b`], { cwd })
      assert.strictEqual(second.exitCode, 0)
      assert.match(second.stderr, /1 saved, 1 skipped/)
    })
  )

  it.scopedLive("is followed by a run that reports the unfinished parts of kill -9", () =>
    Effect.gen(function* () {
      const { url } = yield* http((request, response) => {
        if (request.url?.startsWith("/slow")) {
          // More than is kept in memory.
          response.writeHead(200, { "content-length": 2_000_000 }).write(Buffer.alloc(1_000_000))
        } else {
          response.end("content")
        }
      })
      const cwd = yield* temporaryDirectory
      mkdirSync(`${cwd}/other`)
      writeFileSync(`${cwd}/.halyard-notes.part`, "mine")
      const clean = yield* get([`${url}/a`], { cwd })
      assert.match(clean.stderr, /^downloading\n1 saved; [^\n]*\n$/)
      const running = yield* halyard(["get", `${url}/slow1`, `${url}/slow2`], { cwd })
      const isPart = (name: string) =>
        /^\.halyard-.*-slow[12]\.part$/.test(name) && statSync(`${cwd}/${name}`).size >= 500_000
      yield* until("two parts", () => filesIn(cwd).filter(isPart).length === 2 || undefined, running.stderr)
      yield* running.signal("SIGKILL")
      yield* running.ended
      const line = /^\. has 2 unfinished parts of earlier runs, \d\.\d MB; 'halyard clean' removes what is left\n/m
      const next = yield* get([`${url}/a`, `${url}/b`], { cwd })
      assert.strictEqual(next.exitCode, 0, next.stderr)
      assert.match(next.stderr, line)
      const flags = yield* run(["flags", "--timeout=60", "BR", "-d", "."], { cwd })
      assert.strictEqual(flags.exitCode, 0, flags.stderr)
      assert.match(flags.stderr, line)
      const elsewhere = yield* get([`${url}/a`, "-d", "other"], { cwd })
      assert.notInclude(elsewhere.stderr, "unfinished")
    })
  )
})
