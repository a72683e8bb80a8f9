/**
 * `halyard get --segments`, against a server that is slow on each connection.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { filesIn, run, temporaryDirectory } from "../../../support/program/program.js"
import { slowFile } from "../../../support/servers/slowFile.js"

const fetched = (connections: number, ...options: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const origin = yield* slowFile(6 * 1024 * 1024, connections)
    const cwd = yield* temporaryDirectory
    const ended = yield* run(["get", `${origin.url}/large.bin`, "--checksum", origin.digest, ...options], { cwd })
    assert.strictEqual(ended.exitCode, 0, ended.stderr)
    assert.deepStrictEqual(filesIn(cwd), ["large.bin"])
    return origin
  })

describe("halyard get --segments", () => {
  it.scopedLive("downloads one file over several connections", () =>
    Effect.gen(function* () {
      const { most, ranges } = yield* fetched(3, "--segments", "8", "--concurrency", "3")
      assert.isAtLeast(most(), 3)
      assert.isUndefined(ranges()[0])
      assert.isAbove(ranges().length, 2)
    })
  )

  it.scopedLive("downloads a file in one request with --segments 1", () =>
    Effect.gen(function* () {
      const { ranges } = yield* fetched(1, "--segments", "1")
      assert.deepStrictEqual(ranges(), [undefined])
    })
  )
})
