/**
 * `halyard submit -d s3://BUCKET/PREFIX`: the files or the tars of a batch are objects.
 */
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { until } from "../../support/poll.js"
import { listOf } from "../../support/program/batches.js"
import { halyard, run, temporaryDirectory } from "../../support/program/program.js"
import { heldOrigin } from "../../support/servers/heldOrigin.js"
import * as Programs from "../../support/servers/programs.js"
import { accountAt, hasNoSecret, sessionAt } from "../../support/storage/bucketAccount.js"
import { bucketAt, leftIn, partsIn, textAt } from "../../support/storage/s3Bucket.js"
import { type ScriptedS3, scriptedS3 } from "../../support/storage/scriptedS3.js"
import { unpackedByTar } from "../../support/storage/tarFiles.js"

/** The keys of the files of a storage. */
const keysIn = ({ objects }: ScriptedS3) => [...objects.keys()].filter((key) => !key.includes("/.halyard/")).sort()

const tars = (count: number) =>
  Array.from({ length: count }, (_, shard) => [`p/0000${shard}.tar`, `p/0000${shard}.tar.index`]).flat()

const localTo = (directory: string) => [
  ...["submit", "--local", "--processes", "2", "--shard-size", "10"],
  ...["-d", directory]
]

const local = localTo("s3://bucket/p")

const wholeShard = (shard: number): ReadonlyArray<string> =>
  Array.from({ length: 10 }, (_, index) => shard * 10 + index)
    .flatMap((number) => [`${number}.bin`, `${number}.json`])
    .sort()

describe("halyard submit --local -d s3://BUCKET/PREFIX", () => {
  it.scopedLive("saves each file as an object, and a second run keeps them", () =>
    Effect.gen(function* () {
      const storage = yield* scriptedS3
      const { requests, url } = yield* heldOrigin()
      const cwd = yield* temporaryDirectory
      const options = { cwd, env: sessionAt(storage.endpoint) }
      const line = [...local, "-i", listOf(cwd, url, 25, ["missing"])]
      const first = yield* run(line, options)
      assert.strictEqual(first.exitCode, 1)
      assert.match(first.stderr, /^25 saved, 1 failed; /m)
      assert.strictEqual(keysIn(storage).length, 25)
      assert.strictEqual(textAt(storage, "p/12"), "content of /12")
      const second = yield* run([...line, "--on-exists", "skip"], options)
      assert.match(second.stderr, /^0 saved, 25 skipped, 1 failed; /m)
      assert.strictEqual(requests.length, 27)
      assert.deepStrictEqual(readdirSync(cwd), ["urls.txt"])
      hasNoSecret(first.stderr + second.stderr)
    })
  )

  it.scopedLive("writes a tar for each shard as an object, and a second run fetches nothing", () =>
    Effect.gen(function* () {
      const storage = yield* scriptedS3
      const { requests, url } = yield* heldOrigin()
      const cwd = yield* temporaryDirectory
      const options = { cwd, env: accountAt(storage.endpoint) }
      const line = [...local, "--tar", "-i", listOf(cwd, url, 30)]
      const first = yield* run(line, options)
      assert.strictEqual(first.exitCode, 0, first.stderr)
      assert.deepStrictEqual(keysIn(storage), tars(3))
      for (const shard of [0, 1, 2]) {
        const { files } = unpackedByTar(storage.objects.get(`p/0000${shard}.tar`)?.body ?? Buffer.of())
        assert.deepStrictEqual([...files.keys()].sort(), wholeShard(shard))
        assert.strictEqual(files.get(`${shard}7.bin`) ?? files.get("7.bin"), `content of /${shard === 0 ? "" : shard}7`)
      }
      const second = yield* run(line, options)
      assert.match(second.stderr, /^0 saved, 30 skipped; /m)
      assert.strictEqual(requests.length, 30)
      assert.deepStrictEqual(leftIn(storage), [])
    })
  )

  it.scopedLive("continues the tars after Ctrl-C, and sends little more than their content to the storage", () =>
    Effect.gen(function* () {
      // Each tar is larger than a block. Two files of a shard are larger than what is held in memory.
      const sizeBytes = 2_000_000
      const storage = yield* scriptedS3
      const { awaitHeld, release, requests, url } = yield* heldOrigin({
        isHeld: (path) => Number(path.slice(1)) % 10 >= 6,
        sizeBytes
      })
      const cwd = yield* temporaryDirectory
      const options = { cwd, env: accountAt(storage.endpoint) }
      const line = [...local, "--tar", "-c", "4", "-i", listOf(cwd, url, 20)]
      const running = yield* halyard(line, options)
      yield* awaitHeld(8)
      yield* running.signal("SIGINT")
      assert.strictEqual((yield* running.ended).exitCode, 130, running.stderr())
      assert.deepStrictEqual(keysIn(storage), [])
      release()
      const sent = requests.length
      const again = yield* run(line, options)
      assert.strictEqual(again.exitCode, 0, again.stderr)
      assert.match(again.stderr, /^8 saved, 12 skipped; /m)
      assert.strictEqual(requests.length - sent, 8)
      assert.deepStrictEqual(keysIn(storage), tars(2))
      for (const shard of [0, 1]) {
        const { files } = unpackedByTar(storage.objects.get(`p/0000${shard}.tar`)?.body ?? Buffer.of())
        assert.deepStrictEqual([...files.keys()].sort(), wholeShard(shard))
        assert.isTrue([...files].every(([name, text]) => !name.endsWith(".bin") || text.length === sizeBytes))
      }
      assert.deepStrictEqual(leftIn(storage), [])
      const uploaded = storage.requests.reduce((sum, { body }) => sum + body.length, 0)
      assert.isBelow(uploaded, 1.7 * 20 * sizeBytes)
    })
  )

  it.scopedLive("fails before a request if the storage cannot be used", () =>
    Effect.gen(function* () {
      const storage = yield* scriptedS3
      const { requests, url } = yield* heldOrigin()
      const cwd = yield* temporaryDirectory
      const list = listOf(cwd, url, 5)
      const account = accountAt(storage.endpoint)
      const check = (line: ReadonlyArray<string>, env: Record<string, string>, exitCode: number, sentence: RegExp) =>
        Effect.map(run([...line, "-i", list], { cwd, env }), (ended) => {
          assert.strictEqual(ended.exitCode, exitCode, ended.stderr)
          assert.match(ended.stderr, sentence)
          hasNoSecret(ended.stderr)
        })
      yield* check(
        local,
        {},
        2,
        /^halyard submit: s3:\/\/bucket\/p needs an account: AWS_ACCESS_KEY_ID and AWS_SECRET/m
      )
      yield* check([...local, "--allow-outside"], account, 2, /--allow-outside is for directories/)
      yield* check(localTo("s3://"), account, 2, /an object storage is s3:\/\/BUCKET\/PREFIX/)
      yield* check([...localTo("s3://bucket/{shard}"), "--tar"], account, 2, /must not have \{shard\} in it/)
      yield* check(
        local,
        { ...account, AWS_ENDPOINT_URL_S3: "" },
        1,
        /the storage could not be reached: the connection/
      )
      storage.behave = () => ({ status: 404, code: "NoSuchBucket" })
      yield* check(local, account, 1, /^halyard submit: cannot write s3:\/\/bucket\/p: there is no such bucket/m)
      yield* check([...local, "--tar"], account, 1, /there is no such bucket/)
      storage.behave = () => ({ status: 403, code: "SignatureDoesNotMatch" })
      yield* check(local, account, 1, /the secret access key is wrong/)
      assert.deepStrictEqual(requests, [])
    })
  )

  Programs.withPrograms(["swift-proxy-server"], "writes files and tars over Swift", () =>
    Effect.gen(function* () {
      const { url: endpoint } = yield* Programs.swift
      const bucket = bucketAt(endpoint, "p")
      yield* bucket.client.createBucket
      // The tar has three blocks.
      const { url } = yield* heldOrigin({ sizeBytes: 2_000_000 })
      const cwd = yield* temporaryDirectory
      const options = { cwd, env: accountAt(endpoint) }
      const list = listOf(cwd, url, 10)
      const files = yield* run([...localTo("s3://bucket/files"), "-i", list], options)
      assert.strictEqual(files.exitCode, 0, files.stderr)
      assert.strictEqual((yield* bucket.client.keys("files/")).filter((key) => !key.includes("/.halyard/")).length, 10)
      const tar = yield* run([...local, "--tar", "-i", list], options)
      assert.strictEqual(tar.exitCode, 0, tar.stderr)
      const { files: unpacked } = unpackedByTar((yield* bucket.client.get("p/00000.tar")) ?? new Uint8Array())
      assert.deepStrictEqual([...unpacked.keys()].sort(), wholeShard(0))
      assert.deepStrictEqual(yield* partsIn(bucket), [])
    })
  )
})

describe("halyard runner with a batch in an object storage", () => {
  it.scopedLive(
    "carries it out with its own account, refuses its shards without one, and the database has no secret",
    () =>
      Effect.gen(function* () {
        const storage = yield* scriptedS3
        const { url } = yield* heldOrigin()
        const cwd = yield* temporaryDirectory
        const env = { HALYARD_DATABASE: `file:${join(cwd, "batches.db")}` }
        const account = sessionAt(storage.endpoint)
        const submit = (id: string, more: ReadonlyArray<string>, withAccount: boolean) =>
          run(
            ["submit", "--id", id, "--shard-size", "10", "-i", listOf(cwd, url, 10), "-d", "s3://bucket/p", ...more],
            { cwd, env: withAccount ? { ...env, ...account } : env }
          )
        const unchecked = yield* submit("none", [], false)
        assert.strictEqual(unchecked.exitCode, 0, unchecked.stderr)
        assert.match(unchecked.stderr, /^s3:\/\/bucket\/p was not checked, because AWS_ACCESS_KEY_ID and AWS_SECRET/m)
        yield* Effect.scoped(
          Effect.gen(function* () {
            const runner = yield* halyard(["runner", "--drain", "4"], { cwd, env })
            yield* runner.awaitOutput(/died: .*s3:\/\/bucket\/p needs an account: AWS_ACCESS_KEY_ID and AWS_SECRET/)
            const refused = yield* Effect.repeat(run(["report", "--batch", "none"], { cwd, env }), {
              until: ({ stdout }) => stdout.includes("abandoned")
            })
            assert.match(refused.stdout, /shard 0 \(10 files\) was abandoned after 3 attempts: .*needs an account/)
            yield* runner.signal("SIGTERM")
            assert.strictEqual((yield* runner.ended).exitCode, 143)
          })
        )
        assert.deepStrictEqual(keysIn(storage), [])
        for (const [id, more] of [
          ["files", []],
          ["tars", ["--tar"]]
        ] as const) {
          assert.strictEqual((yield* submit(id, more, true)).stderr.trim(), "submitted: 10 files in 1 shards")
        }
        const runner = yield* halyard(["runner", "--drain", "4"], { cwd, env: { ...env, ...account } })
        yield* until(
          "files and a tar",
          () => (keysIn(storage).length === 12 ? true : undefined),
          () => runner.stderr()
        )
        yield* runner.signal("SIGTERM")
        assert.strictEqual((yield* runner.ended).exitCode, 143)
        assert.strictEqual(textAt(storage, "p/7"), "content of /7")
        const { files } = unpackedByTar(storage.objects.get("p/00000.tar")?.body ?? Buffer.of())
        assert.deepStrictEqual([...files.keys()].sort(), wholeShard(0))
        for (const name of readdirSync(cwd).filter((name) => name.startsWith("batches.db"))) {
          hasNoSecret(readFileSync(join(cwd, name), "latin1"))
        }
        hasNoSecret(runner.stderr() + runner.stdout())
      })
  )
})
