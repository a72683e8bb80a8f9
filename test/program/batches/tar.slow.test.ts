/**
 * `halyard submit --tar`: each shard of a batch is one tar, by processes of one machine and by a runner.
 */
import { readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { Batches } from "../../../src/cluster/Batches.js"
import * as Download from "../../../src/Download.js"
import * as Cluster from "../../../src/Node/Cluster.js"
import { until } from "../../support/poll.js"
import { listOf } from "../../support/program/batches.js"
import { reportOf } from "../../support/program/eventLines.js"
import { filesIn, halyard, run, temporaryDirectory } from "../../support/program/program.js"
import { heldOrigin } from "../../support/servers/heldOrigin.js"
import { unpackedByTar } from "../../support/storage/tarFiles.js"

const names = ["00000.tar", "00000.tar.index", "00001.tar", "00001.tar.index", "00002.tar", "00002.tar.index"]

/** The files of the tar of a shard, as GNU tar unpacks them. */
const unpacked = (directory: string, shard: number) =>
  unpackedByTar(readFileSync(join(directory, `0000${shard}.tar`))).files

const wholeShard = (shard: number): ReadonlyArray<string> =>
  Array.from({ length: 10 }, (_, index) => shard * 10 + index)
    .flatMap((number) => [`${number}.bin`, `${number}.json`])
    .sort()

const submitOf = (list: string): ReadonlyArray<string> => [
  "submit",
  "--shard-size",
  "10",
  "-i",
  list,
  "-d",
  "out",
  "--tar"
]

describe("halyard submit --tar", () => {
  it.scopedLive("writes a tar for each shard, and a second run fetches nothing", () =>
    Effect.gen(function* () {
      const { requests, url } = yield* heldOrigin()
      const cwd = yield* temporaryDirectory
      const line = [...submitOf(listOf(cwd, url, 30)), "--local", "--processes", "2"]
      const first = yield* run(line, { cwd })
      assert.strictEqual(first.exitCode, 0, first.stderr)
      assert.match(first.stderr, /^30 saved; /m)
      const out = join(cwd, "out")
      assert.deepStrictEqual(filesIn(out), names)
      for (const shard of [0, 1, 2]) {
        assert.deepStrictEqual(Array.from(unpacked(out, shard).keys()).sort(), wholeShard(shard))
      }
      assert.strictEqual(unpacked(out, 1).get("12.bin"), "content of /12")
      assert.deepInclude(JSON.parse(unpacked(out, 1).get("12.json") ?? ""), { key: "12", file: "12", url: `${url}/12` })
      assert.strictEqual(requests.length, 30)
      const second = yield* run(line, { cwd })
      assert.strictEqual(second.exitCode, 0, second.stderr)
      assert.match(second.stderr, /^0 saved, 30 skipped; /m)
      assert.strictEqual(requests.length, 30)
    })
  )

  it.scopedLive("continues the tars after Ctrl-C, and fetches no saved file again", () =>
    Effect.gen(function* () {
      // The first five files of each shard are answered. A request of the others begins when one of them is saved.
      const { awaitHeld, release, requests, url } = yield* heldOrigin({
        isHeld: (path) => Number(path.slice(1)) % 10 >= 5
      })
      const cwd = yield* temporaryDirectory
      const line = [...submitOf(listOf(cwd, url, 30)), "--local", "--processes", "2", "-c", "5"]
      const running = yield* halyard(line, { cwd })
      yield* awaitHeld(10)
      yield* running.signal("SIGINT")
      assert.strictEqual((yield* running.ended).exitCode, 130)
      const out = join(cwd, "out")
      assert.deepStrictEqual(
        filesIn(out).filter((name) => /^\d+\.tar$/.test(name)),
        []
      )
      release()
      const sent = requests.length
      const again = yield* run(line, { cwd })
      assert.strictEqual(again.exitCode, 0, again.stderr)
      assert.match(again.stderr, /^20 saved, 10 skipped; /m)
      assert.strictEqual(requests.length - sent, 20)
      assert.deepStrictEqual(filesIn(out), names)
      for (const shard of [0, 1, 2]) {
        assert.deepStrictEqual(Array.from(unpacked(out, shard).keys()).sort(), wholeShard(shard))
      }
    })
  )

  it.scopedLive("completes a tar without the files that fail", () =>
    Effect.gen(function* () {
      const { url } = yield* heldOrigin()
      const cwd = yield* temporaryDirectory
      const list = join(cwd, "list.txt")
      writeFileSync(list, `${url}/0\n${url}/missing\n${url}/2\n`)
      const line = [...submitOf(list), "--local", "--processes", "1", "--json"]
      const { exitCode, stdout } = yield* run(line, { cwd })
      assert.strictEqual(exitCode, 1)
      assert.deepInclude(reportOf(stdout), { saved: 2, failed: 1, notFound: 1 })
      const files = Array.from(unpacked(join(cwd, "out"), 0).keys()).sort()
      assert.deepStrictEqual(files, ["0.bin", "0.json", "2.bin", "2.json"])
    })
  )

  it.scopedLive("abandons a shard whose tar cannot be opened, with the reason", () =>
    Effect.gen(function* () {
      const { url } = yield* heldOrigin()
      const cwd = yield* temporaryDirectory
      const line = [...submitOf(listOf(cwd, url, 20)), "--local", "--processes", "2"]
      assert.strictEqual((yield* run(line, { cwd })).exitCode, 0)
      rmSync(join(cwd, "out", "00000.tar.index"))
      const { exitCode, stderr } = yield* run(line, { cwd })
      assert.strictEqual(exitCode, 1)
      assert.match(stderr, /^shard 0 \(10 files\) was abandoned after 3 attempts: .*the shard has no complete tar: /m)
      assert.match(stderr, /^0 saved, 10 skipped, 10 failed; /m)
    })
  )

  it.scopedLive("is carried out by a runner, which refuses settings of a newer version", () =>
    Effect.gen(function* () {
      const { url } = yield* heldOrigin()
      const cwd = yield* temporaryDirectory
      const database = `file:${join(cwd, "batches.db")}`
      const env = { HALYARD_DATABASE: database }
      const submitted = yield* run([...submitOf(listOf(cwd, url, 30)), "--id", "tars"], { cwd, env })
      assert.strictEqual(submitted.exitCode, 0, submitted.stderr)
      yield* Effect.flatMap(Batches, ({ submit }) =>
        submit({
          id: "newer",
          requests: Stream.make(Download.request({ url: `${url}/a`, destination: join(cwd, "a"), onExists: "skip" })),
          settings: { compression: "zstd" }
        })
      ).pipe(Effect.provide(Cluster.layerClient({ database: Redacted.make(database) })))
      const runner = yield* halyard(["runner", "--drain", "4"], { cwd, env })
      yield* runner.awaitOutput(/died: .*the batch has the setting '?compression'?, which this version of halyard/)
      const out = join(cwd, "out")
      yield* until(
        "tars",
        () => (filesIn(out).join() === names.join() ? true : undefined),
        () => runner.stderr()
      )
      yield* runner.signal("SIGTERM")
      assert.strictEqual((yield* runner.ended).exitCode, 143)
      assert.deepStrictEqual(Array.from(unpacked(out, 2).keys()).sort(), wholeShard(2))
      assert.notInclude(filesIn(cwd), "a")
    })
  )
})
