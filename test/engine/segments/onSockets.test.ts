/**
 * Several connections for one file, over real sockets and on a real disk.
 */
import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Download from "../../../src/Download.js"
import * as Downloader from "../../../src/Downloader.js"
import * as Node from "../../../src/Node.js"
import { until } from "../../support/poll.js"
import { filesIn, temporaryDirectory } from "../../support/program/program.js"
import { type SlowFile, slowFile } from "../../support/servers/slowFile.js"

const closed = (origin: SlowFile) =>
  until(
    "closed connections",
    () => origin.sockets() === 0 || undefined,
    () => `${origin.sockets()} open`
  )

const bytes = 6 * 1024 * 1024

describe("segments over Node/Transport", () => {
  it.scopedLive("save the whole file on several connections, and close all of them", () =>
    Effect.gen(function* () {
      const origin = yield* slowFile(bytes, 4)
      const directory = yield* temporaryDirectory
      const saved = yield* Effect.flatMap(Downloader.Downloader, ({ download }) =>
        download(
          Download.request({
            url: `${origin.url}/large.bin`,
            destination: `${directory}/large.bin`,
            digest: origin.digest
          })
        )
      ).pipe(Effect.provide(Node.layerWith({ segments: 4 })))
      assert.deepInclude(saved, { _tag: "Saved", attempts: 1, bytes, verified: "digest" })
      const found = createHash("sha256")
        .update(readFileSync(`${directory}/large.bin`))
        .digest("hex")
      assert.strictEqual(`sha256:${found}`, origin.digest)
      assert.deepStrictEqual(filesIn(directory), ["large.bin"])
      assert.isAtLeast(origin.most(), 4)
      yield* closed(origin)
    })
  )

  it.scopedLive("leave no part when they are interrupted", () =>
    Effect.gen(function* () {
      const origin = yield* slowFile(bytes, Number.POSITIVE_INFINITY)
      const directory = yield* temporaryDirectory
      yield* Effect.gen(function* () {
        const { download } = yield* Downloader.Downloader
        const fiber = yield* Effect.fork(
          download(Download.request({ url: `${origin.url}/large.bin`, destination: `${directory}/large.bin` }))
        )
        yield* until(
          "four connections",
          () => origin.most() >= 4 || undefined,
          () => `${origin.most()}`
        )
        yield* Fiber.interrupt(fiber)
        assert.deepStrictEqual(filesIn(directory), [])
      }).pipe(Effect.provide(Node.layerWith({ segments: 4 })))
      yield* closed(origin)
    })
  )
})
