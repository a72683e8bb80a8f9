/**
 * `halyard clean s3://BUCKET/PREFIX`.
 */
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { run } from "../../support/program/program.js"
import { accountAt, hasNoSecret } from "../../support/storage/bucketAccount.js"
import { bucketAt, leftIn, storeOf, write } from "../../support/storage/s3Bucket.js"
import { type ScriptedS3, scriptedS3 } from "../../support/storage/scriptedS3.js"

/** Leaves a part with a checkpoint, as a killed process does. */
const leave = (storage: ScriptedS3, name: string, agoMillis: number) =>
  Effect.gen(function* () {
    storage.nowMillis = () => Date.now() - agoMillis
    const store = yield* storeOf(bucketAt(storage.endpoint, "p").options)
    const { part } = yield* store.open(name, { resume: "key" })
    yield* write(part, "0123456789".repeat(150_000))
    yield* part.checkpoint("record", "full")
    storage.nowMillis = () => Date.now()
  })

it.scopedLive("lists and removes what no run has written to for an hour", () =>
  Effect.gen(function* () {
    const storage = yield* scriptedS3
    yield* leave(storage, "old.iso", 2 * 3_600_000)
    yield* leave(storage, "new.iso", 0)
    const env = accountAt(storage.endpoint)
    const line = ["clean", "s3://bucket/p"]
    const listed = yield* run([...line, "-n"], { env })
    assert.strictEqual(listed.exitCode, 0, listed.stderr)
    assert.match(listed.stdout, /^s3:\/\/bucket\/p\/old\.iso: 1\.5 MB, 2 hours old$/m)
    assert.match(listed.stdout, /^s3:\/\/bucket\/p\/new\.iso: .*, may be in use by another machine or container$/m)
    const before = leftIn(storage).length
    const cleaned = yield* run(line, { env })
    assert.match(cleaned.stderr, /^1 unfinished part, 1\.5 MB, removed; 1 in use$/m)
    assert.isBelow(leftIn(storage).length, before)
    const again = yield* run([...line, "--json"], { env })
    assert.include(again.stdout, '"removed":0')
    assert.include(again.stdout, '"destination":"s3://bucket/p/new.iso"')
    hasNoSecret(listed.stdout + cleaned.stderr)
  })
)

it.scopedLive("says why an object storage cannot be looked into", () =>
  Effect.gen(function* () {
    const storage = yield* scriptedS3
    const without = yield* run(["clean", "s3://bucket/p"])
    assert.strictEqual(without.exitCode, 1)
    assert.match(without.stderr, /s3:\/\/bucket\/p needs an account: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY/)
    storage.behave = () => ({ status: 404, code: "NoSuchBucket" })
    const none = yield* run(["clean", "s3://bucket/p"], { env: accountAt(storage.endpoint) })
    assert.strictEqual(none.exitCode, 1)
    assert.match(none.stderr, /^s3:\/\/bucket\/p.*: there is no such bucket \(NoSuchBucket\)$/m)
    assert.strictEqual((yield* run(["clean", "s3://"])).exitCode, 2)
  })
)
