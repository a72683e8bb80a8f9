/**
 * `halyard get --continue` after curl, aria2 or a browser.
 */
import { spawnSync } from "node:child_process"
import { readFileSync, writeFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { get } from "../../support/program/get.js"
import { randomBytes, serving, sha256, Traffic } from "../../support/program/killedRuns.js"
import { filesIn, start, temporaryDirectory } from "../../support/program/program.js"
import { http } from "../../support/servers/loopback.js"

const mebibyte = 1024 * 1024

const content = randomBytes(4 * mebibyte)

const checksum = `sha256:${sha256(content)}`

const origin = Effect.gen(function* () {
  const traffic = new Traffic("bytes")
  const { url } = yield* http(serving(traffic, new Map([["/large.bin", content]])))
  return { traffic, url: `${url}/large.bin` }
})

const saved = (cwd: string) => assert.strictEqual(sha256(readFileSync(`${cwd}/large.bin`)), sha256(content))

const isInstalled = (command: string): boolean => spawnSync(command, ["--version"]).status === 0

/** Runs another program, and ends it with this signal when the server has sent half of the file. */
const halfOf = (
  traffic: Traffic,
  command: string,
  parameters: ReadonlyArray<string>,
  cwd: string,
  signal: NodeJS.Signals
) =>
  Effect.gen(function* () {
    const running = yield* start(command, parameters, { cwd })
    traffic.after(content.length / 2, () => process.kill(running.pid, signal))
    yield* running.ended
    traffic.sentBytes = 0
  })

describe("halyard get --continue", () => {
  it.scopedLive.skipIf(!isInstalled("curl"))("continues the file of curl, and copies it first", () =>
    Effect.gen(function* () {
      const { traffic, url } = yield* origin
      const cwd = yield* temporaryDirectory
      yield* halfOf(traffic, "curl", ["-sO", url], cwd, "SIGTERM")
      const { exitCode, stderr } = yield* get(["--continue", "--checksum", checksum, url], { cwd })
      assert.strictEqual(exitCode, 0, stderr)
      assert.include(stderr, "large.bin was left by another program: its bytes are taken over")
      assert.isBelow(traffic.sentBytes, 0.75 * content.length)
      saved(cwd)
    })
  )

  it.scopedLive.skipIf(!isInstalled("aria2c"))("continues the pieces of aria2", () =>
    Effect.gen(function* () {
      const { traffic, url } = yield* origin
      const cwd = yield* temporaryDirectory
      yield* halfOf(traffic, "aria2c", ["-q", "-x4", "-s4", "-k1M", url], cwd, "SIGINT")
      assert.include(filesIn(cwd), "large.bin.aria2")
      // aria2 allocates the whole file at its start.
      const { exitCode, stderr } = yield* get(["--continue", "--checksum", checksum, url], { cwd })
      assert.strictEqual(exitCode, 0, stderr)
      assert.isBelow(traffic.sentBytes, 0.75 * content.length)
      assert.isAbove(traffic.sentBytes, 0.2 * content.length)
      saved(cwd)
    })
  )

  for (const name of ["large.bin.crdownload", "large.bin.part"]) {
    it.scopedLive(`continues ${name}, and leaves it as it is`, () =>
      Effect.gen(function* () {
        const { traffic, url } = yield* origin
        const cwd = yield* temporaryDirectory
        writeFileSync(`${cwd}/${name}`, content.subarray(0, 3 * mebibyte))
        const { exitCode, stderr } = yield* get(["--continue", "--checksum", checksum, url], { cwd })
        assert.strictEqual(exitCode, 0, stderr)
        assert.strictEqual(traffic.sentBytes, mebibyte)
        assert.strictEqual(sha256(readFileSync(`${cwd}/${name}`)), sha256(content.subarray(0, 3 * mebibyte)))
        saved(cwd)
      })
    )
  }

  it.scopedLive("fetches the whole file if the bytes of the other program are wrong", () =>
    Effect.gen(function* () {
      const { traffic, url } = yield* origin
      const cwd = yield* temporaryDirectory
      writeFileSync(`${cwd}/large.bin.crdownload`, new Uint8Array(3 * mebibyte))
      const { exitCode } = yield* get(["--continue", "--checksum", checksum, url], { cwd })
      assert.strictEqual(exitCode, 0)
      assert.isAtLeast(traffic.sentBytes, content.length + mebibyte)
      saved(cwd)
    })
  )

  it.scopedLive("fetches the whole file without a checksum, and says so", () =>
    Effect.gen(function* () {
      const { traffic, url } = yield* origin
      const cwd = yield* temporaryDirectory
      writeFileSync(`${cwd}/large.bin.crdownload`, content.subarray(0, 3 * mebibyte))
      const { exitCode, stderr } = yield* get(["--continue", url], { cwd })
      assert.strictEqual(exitCode, 0)
      assert.include(stderr, "only a checksum can prove what it is: the file is fetched whole")
      assert.isAtLeast(traffic.sentBytes, content.length)
      saved(cwd)
    })
  )

  it.scopedLive("is refused beside --no-resume", () =>
    Effect.gen(function* () {
      const { exitCode, stderr } = yield* get(["--continue", "--no-resume", "http://127.0.0.1:9/a"])
      assert.strictEqual(exitCode, 2)
      assert.include(stderr, "--continue makes unfinished parts, and --no-resume forbids them")
    })
  )
})
