/**
 * What becomes of each flag, from origins that are slow, faulty or not there: the same for every engine and every time.
 *
 * Not concurrent with each other: real deadlines pass in these runs.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { countsIn, engines, flags, itemsIn, sum } from "../../support/program/flagsRun.js"
import { notWhole } from "../../support/program/program.js"

describe("outcomes of halyard flags", () => {
  it.scopedLive("are the same in every engine and every run, for one seed", () =>
    Effect.gen(function* () {
      const ended = yield* Effect.forEach(
        [...engines, ...engines],
        (engine) =>
          // A seed of which these flags get each kind of fate, and none a delay near to the deadline.
          flags(["-v", "-s", "error", "--seed=1448", "--timeout=2", "--engine", engine, "BR", "CN", "FR", "ZZ"]),
        { concurrency: "unbounded" }
      )
      for (const { directory, exitCode, saved, stdout } of ended) {
        assert.match(stdout, /^ERROR site: /)
        assert.strictEqual(exitCode, 1)
        assert.deepStrictEqual(itemsIn(stdout), [
          "BR OK",
          "CN error: timed out after 2s waiting for the response",
          "FR error: HTTP error 418 - I'm a Teapot",
          "ZZ not found: http://127.0.0.1:PORT/zz/zz.gif"
        ])
        assert.deepStrictEqual(countsIn(stdout), { flag: 1, "not found": 1, error: 2 })
        assert.deepStrictEqual(saved, ["br.gif"])
        assert.deepStrictEqual(notWhole(directory), [])
      }
    })
  )

  it.scopedLive("have consistent counts, the same in every run, from a slow origin", () =>
    Effect.gen(function* () {
      const ended = yield* Effect.forEach(
        [1, 2],
        () => flags(["-s", "DELAY", "--seed", "7", "-m", "20", "--timeout=3.1"]),
        {
          concurrency: 2
        }
      )
      const [first = {}, second = {}] = ended.map(({ stdout }) => countsIn(stdout))
      assert.strictEqual(sum(first), 20)
      assert.isAbove(first["error"] ?? 0, 0)
      assert.isAbove(first["flag"] ?? 0, 0)
      assert.deepStrictEqual(second, first)
      for (const { directory, saved } of ended) {
        assert.strictEqual(saved.length, first["flag"])
        assert.deepStrictEqual(notWhole(directory), [])
      }
    })
  )

  it.scopedLive("are errors for an origin that does not listen, without its password", () =>
    Effect.gen(function* () {
      const ended = yield* Effect.forEach(
        engines,
        (engine) => flags(["-v", "-l3", "--engine", engine, "--base-url", "http://user:secret@127.0.0.1:1/flags"]),
        { concurrency: 3 }
      )
      for (const { exitCode, saved, stderr, stdout } of ended) {
        assert.strictEqual(exitCode, 1)
        assert.deepStrictEqual(
          itemsIn(stdout),
          ["BD", "BR", "CD"].map((code) => `${code} error: the connection was refused (ECONNREFUSED)`)
        )
        assert.deepStrictEqual(countsIn(stdout), { flag: 0, error: 3 })
        assert.notInclude(stdout + stderr, "secret")
        assert.deepStrictEqual(saved, [])
      }
    })
  )
})
