/**
 * Downloads of real processes into an object storage.
 */
import { createHash } from "node:crypto"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { until } from "../../support/poll.js"
import { randomBytes } from "../../support/program/killedRuns.js"
import { start } from "../../support/program/program.js"
import { pausingFile } from "../../support/servers/pausingFile.js"
import * as Programs from "../../support/servers/programs.js"
import { slowFile } from "../../support/servers/slowFile.js"
import { bucketAt, leftIn, partsIn } from "../../support/storage/s3Bucket.js"
import { scriptedS3 } from "../../support/storage/scriptedS3.js"

const script = fileURLToPath(new URL("../../support/storage/s3Download.mjs", import.meta.url))

const downloading = (endpoint: string, url: string, segments = 1) =>
  start(process.execPath, [script, endpoint, url, String(segments)])

const content = Buffer.from(randomBytes(5_000_000))

const sha256Of = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex")

describe("a process that downloads into an object storage", () => {
  it.scopedLive("continues after it was killed between two blocks, and verifies the digest of the whole file", () =>
    Effect.gen(function* () {
      const storage = yield* scriptedS3
      const origin = yield* pausingFile(content, 3_500_000)
      yield* Effect.scoped(
        Effect.gen(function* () {
          const killed = yield* downloading(storage.endpoint, origin.url)
          yield* until(
            "checkpoint with three blocks",
            () =>
              killed.hasEnded() ||
              [...storage.objects].some(
                ([key, { body }]) => key.includes("/records/") && body.toString().split('"etag"').length > 3
              ) ||
              undefined,
            () => `${[...storage.objects.keys()].join("\n")}\n${killed.stdout()}${killed.stderr()}`
          )
          yield* killed.signal("SIGKILL")
          yield* killed.ended
        })
      )
      assert.isAtLeast(leftIn(storage).length, 4)
      origin.stopPausing()
      // Long after its last sign of life.
      const { nowMillis } = storage
      storage.nowMillis = () => nowMillis() + 60_000
      const { exitCode, stderr, stdout } = yield* (yield* downloading(storage.endpoint, origin.url)).ended
      assert.strictEqual(exitCode, 0, stderr)
      assert.deepInclude(JSON.parse(stdout), {
        _tag: "Saved",
        bytes: content.length,
        digest: `sha256:${sha256Of(content)}`
      })
      assert.isTrue(storage.objects.get("prefix/directory/file")?.body.equals(content))
      const [first, second] = origin.ranges()
      assert.isUndefined(first)
      assert.isAtLeast(Number(/^bytes=(\d+)-$/.exec(second ?? "")?.[1]), 2 * 640 * 1024)
      assert.deepStrictEqual(leftIn(storage), [])
    })
  )

  it.scopedLive("leaves the part to the next process when it is interrupted", () =>
    Effect.gen(function* () {
      const storage = yield* scriptedS3
      const origin = yield* pausingFile(content, 2_000_000)
      const interrupted = yield* downloading(storage.endpoint, origin.url)
      yield* until(
        "checkpoint",
        () =>
          interrupted.hasEnded() || [...storage.objects.keys()].some((key) => key.includes("/records/")) || undefined,
        () => interrupted.stderr()
      )
      yield* interrupted.signal("SIGTERM")
      yield* interrupted.ended
      origin.stopPausing()
      const { nowMillis } = storage
      storage.nowMillis = () => nowMillis() + 60_000
      const { exitCode, stderr } = yield* (yield* downloading(storage.endpoint, origin.url)).ended
      assert.strictEqual(exitCode, 0, stderr)
      assert.isTrue(storage.objects.get("prefix/directory/file")?.body.equals(content))
      assert.deepStrictEqual(leftIn(storage), [])
    })
  )

  Programs.withPrograms(["swift-proxy-server"], "saves a file that arrives in segments, over Swift", () =>
    Effect.gen(function* () {
      const { url: endpoint } = yield* Programs.swift
      const bucket = bucketAt(endpoint, "prefix")
      yield* bucket.client.createBucket
      const origin = yield* slowFile(6_000_000, 3)
      const { exitCode, stderr, stdout } = yield* (yield* downloading(endpoint, `${origin.url}/file`, 4)).ended
      assert.strictEqual(exitCode, 0, stderr)
      assert.isAbove(origin.most(), 1)
      assert.deepInclude(JSON.parse(stdout), { _tag: "Saved", digest: origin.digest })
      const found = yield* bucket.client.get("prefix/directory/file")
      assert.strictEqual(`sha256:${sha256Of(found ?? new Uint8Array(0))}`, origin.digest)
      assert.deepStrictEqual(yield* partsIn(bucket), [])
      assert.deepStrictEqual(yield* bucket.client.keys("prefix/.halyard/"), [])
    })
  )
})
