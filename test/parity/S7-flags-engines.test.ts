/**
 * Row S7: the sequential and the thread-pool version, which the others import from and are compared with: the same
 * output and the same files, another engine.
 *
 * a `for` loop, `ThreadPoolExecutor`, asyncio → `halyard flags --engine sequential|threads|fibers`
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { flags, populous } from "../support/program/flagsRun.js"
import { notWhole } from "../support/program/program.js"

const withEachEngine = (...parameters: ReadonlyArray<string>) =>
  Effect.all(
    {
      sequential: flags([...parameters, "--engine", "sequential"]),
      threads: flags([...parameters, "--engine", "threads"]),
      fibers: flags([...parameters, "--engine", "fibers"])
    },
    { concurrency: "unbounded" }
  )

/** Without what differs from run to run: the port, the time, and the order of completion. */
const comparable = (lines: ReadonlyArray<string>) =>
  lines.map((line) =>
    line
      .replace(/127\.0\.0\.1:\d+/, "127.0.0.1:PORT")
      .replace(/\d+\.\d\ds$/, "TIME")
      .replace(/^([A-Z]{2} )+$/, (codes) => codes.trim().split(" ").sort().join(" "))
  )

describe("S7: the same flags by other engines", () => {
  it.scopedLive(
    "prints the same lines and saves the same files with each engine, over its own number of connections",
    () =>
      Effect.gen(function* () {
        const { fibers, sequential, threads } = yield* withEachEngine()
        for (const [{ directory, exitCode, lines, saved }, connections] of [
          [sequential, "1 connection will be used."],
          [threads, "20 concurrent connections will be used."],
          [fibers, "5 concurrent connections will be used."]
        ] as const) {
          assert.deepStrictEqual(comparable(lines), [
            "LOCAL site: http://127.0.0.1:PORT",
            "Searching for 20 flags: from BD to VN",
            connections,
            populous.join(" "),
            "20 flags downloaded in TIME",
            ""
          ])
          assert.strictEqual(exitCode, 0)
          assert.deepStrictEqual(
            saved,
            populous.map((code) => `${code.toLowerCase()}.gif`)
          )
          assert.deepStrictEqual(notWhole(directory), [])
        }
        // One request at a time: the codes come in their own order.
        assert.strictEqual(sequential.lines[3], `${populous.join(" ")} `)
      })
  )

  it.scopedLive("has the same outcome for each flag with each engine, also for a missing flag", () =>
    Effect.gen(function* () {
      for (const run of Object.values(yield* withEachEngine("--verbose", "BR", "FR", "ZZ"))) {
        const items = comparable(run.lines.slice(3, 6)).sort()
        assert.deepStrictEqual(items, ["BR OK", "FR OK", "ZZ not found: http://127.0.0.1:PORT/zz/zz.gif"])
        assert.deepStrictEqual(comparable(run.lines.slice(6)), [
          "--------------------",
          "  2 flags downloaded.",
          "  1 not found.",
          "Elapsed time: TIME",
          ""
        ])
        assert.deepStrictEqual(run.saved, ["br.gif", "fr.gif"])
        assert.deepStrictEqual(notWhole(run.directory), [])
        assert.strictEqual(run.exitCode, 1)
      }
    })
  )
})
