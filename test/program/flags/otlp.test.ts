/**
 * The traces of `halyard flags`.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { run, temporaryDirectory } from "../../support/program/program.js"
import { collector } from "../../support/servers/collector.js"

describe("halyard flags --otlp", () => {
  it.scopedLive("sends the spans of its run", () =>
    Effect.gen(function* () {
      const { metrics, spans, url } = yield* collector()
      const directory = yield* temporaryDirectory
      const { exitCode } = yield* run(["flags", "BR", "CN", "-d", directory, "--otlp", url])
      assert.strictEqual(exitCode, 0)
      assert.deepStrictEqual(
        spans()
          .map(({ name }) => name)
          .sort(),
        ["Downloader.run", "Downloader.transfer", "Downloader.transfer", "GET", "GET"]
      )
      assert.deepStrictEqual(metrics().get("halyard.transfer.outcomes")?.points, [[{ "halyard.outcome": "Saved" }, 2]])
    })
  )

  it.scopedLive("refuses threads, which have no spans", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const line = ["flags", "BR", "-d", directory, "--engine", "threads", "--otlp", "http://127.0.0.1:1"]
      const { exitCode, stderr } = yield* run(line)
      assert.strictEqual(exitCode, 2)
      assert.strictEqual(
        stderr,
        "halyard flags: --otlp does not work with --engine threads: use fibers or sequential\n"
      )
    })
  )
})
