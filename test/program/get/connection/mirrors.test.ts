/**
 * `halyard get` with mirrors, against servers on the loopback interface that are slow on each connection.
 */
import { createHash } from "node:crypto"
import { readFileSync, writeFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { until } from "../../../support/poll.js"
import { filesIn, run, temporaryDirectory } from "../../../support/program/program.js"
import { type SlowFile, slowFile } from "../../../support/servers/slowFile.js"

const bytes = 6 * 1024 * 1024

/** Gets the file from these servers, of which the first is the URL and the others its mirrors. */
const fetched = (servers: ReadonlyArray<string>, fields: object, ...options: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const cwd = yield* temporaryDirectory
    const [url, ...mirrors] = servers.map((server) => `${server}/large.bin`)
    writeFileSync(`${cwd}/list.ndjson`, `${JSON.stringify({ url, mirrors, ...fields })}\n`)
    const ended = yield* run(["get", "-i", "list.ndjson", "-d", "out", ...options], { cwd })
    assert.strictEqual(ended.exitCode, 0, ended.stderr)
    assert.deepStrictEqual(
      filesIn(`${cwd}/out`).filter((name) => !name.startsWith(".")),
      ["large.bin"]
    )
    const found = createHash("sha256")
      .update(readFileSync(`${cwd}/out/large.bin`))
      .digest("hex")
    return { ...ended, digest: `sha256:${found}` }
  })

const closed = (servers: ReadonlyArray<SlowFile>) =>
  Effect.forEach(servers, (server) =>
    until(
      "closed connections",
      () => server.sockets() === 0 || undefined,
      () => `${server.sockets()} open`
    )
  )

describe("halyard get with mirrors", () => {
  it.scopedLive("receives parts of one file from three servers at a time", () =>
    Effect.gen(function* () {
      const group = { most: 0, open: 0 }
      const servers = yield* Effect.all([1, 2, 3].map(() => slowFile(bytes, 3, { group })))
      const { digest } = yield* fetched(
        servers.map(({ url }) => url),
        {}
      )
      assert.strictEqual(digest, servers[0]?.digest)
      for (const { ranges } of servers) {
        assert.isAbove(ranges().length, 0)
      }
      yield* closed(servers)
    })
  )

  it.scopedLive("saves the right file although a mirror has other bytes: without a checksum by the entity tag", () =>
    Effect.gen(function* () {
      const group = { most: 0, open: 0 }
      const good = yield* slowFile(bytes, 2, { group })
      const bad = yield* slowFile(bytes, 2, { group, etag: '"2"', shift: 1 })
      const { digest, stderr } = yield* fetched([good.url, bad.url], {}, "-v")
      assert.strictEqual(digest, good.digest)
      assert.strictEqual(bad.ranges().length, 1)
      assert.include(stderr, `${good.url}/large.bin: no more parts of it from ${bad.url}/large.bin: `)
      yield* closed([good, bad])
    })
  )

  it.scopedLive("saves the right file although a mirror has other bytes: with a checksum, by one server alone", () =>
    Effect.gen(function* () {
      const group = { most: 0, open: 0 }
      const good = yield* slowFile(bytes, 2, { group })
      const bad = yield* slowFile(bytes, 2, { group, etag: '"2"', shift: 1 })
      const { digest } = yield* fetched([good.url, bad.url], { checksum: good.digest }, "--retries", "0")
      assert.strictEqual(digest, good.digest)
      assert.isAbove(bad.ranges().length, 0)
      assert.isUndefined(good.ranges().at(-1))
      yield* closed([good, bad])
    })
  )
})
