/**
 * Transfers of small files that end in an unusual way.
 */
import { mkdirSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Download from "../../src/Download.js"
import * as Downloader from "../../src/Downloader.js"
import { Hasher } from "../../src/Hasher.js"
import * as Store from "../../src/Node/Store.js"
import * as Transport from "../../src/Node/Transport.js"
import { autoAdvance, Origin } from "../../src/testing.js"
import { filesIn, temporaryDirectory } from "../support/program/program.js"
import { http } from "../support/servers/loopback.js"

const small = http((_, response) => {
  response.writeHead(200, { "content-length": 5 })
  response.end("small")
})

const layer = Downloader.layerWith({ durability: "rename", headersTimeout: "20 seconds" }).pipe(
  Layer.provide(Layer.mergeAll(Store.layer, Transport.layer({})))
)

const pushing = Downloader.layerWith({ durability: "rename", headersTimeout: "20 seconds" }).pipe(
  Layer.provide(
    Layer.merge(
      Store.layer,
      Origin.layer((asked) =>
        Origin.file(
          asked,
          "small",
          asked.url.endsWith("/held")
            ? { held: "60 seconds", delay: "19 seconds" }
            : { informational: { count: 3, every: "19 seconds" } }
        )
      )
    )
  )
)

const timers = () => process.getActiveResourcesInfo().filter((resource) => resource === "Timeout").length

describe("the transfer of a small file", () => {
  for (const [name, why] of [
    ["small", "when it receives informational responses"],
    ["held", "when the request waits for a descriptor first"]
  ] as const) {
    it.scoped(`waits longer for a head ${why}`, () =>
      Effect.gen(function* () {
        const directory = yield* temporaryDirectory
        const saved = yield* Effect.flatMap(Downloader.Downloader, ({ download }) =>
          autoAdvance(download(Download.request({ url: `http://origin.test/${name}`, destination: `${directory}/a` })))
        ).pipe(Effect.provide(pushing))
        assert.deepInclude(saved, { _tag: "Saved", attempts: 1 })
      })
    )
  }

  it.scopedLive("leaves no timer, also where its file cannot be published", () =>
    Effect.gen(function* () {
      const origin = yield* small
      const directory = yield* temporaryDirectory
      mkdirSync(`${directory}/taken`)
      yield* Effect.gen(function* () {
        const { download } = yield* Downloader.Downloader
        const to = (name: string) =>
          Effect.exit(
            download(
              Download.request({
                url: `${origin.url}/small`,
                destination: `${directory}/${name}`,
                onExists: "overwrite"
              })
            )
          )
        assert.isTrue(Exit.isSuccess(yield* to("small")))
        const before = timers()
        for (let count = 0; count < 4; count++) {
          assert.isTrue(Exit.isFailure(yield* to("taken")))
        }
        assert.isAtMost(timers(), before)
      }).pipe(Effect.provide(layer))
      assert.sameMembers([...filesIn(directory)], ["small", "taken"])
    })
  )

  it.scopedLive("dies with a bug of what it was given, and leaves nothing", () =>
    Effect.gen(function* () {
      const origin = yield* small
      const directory = yield* temporaryDirectory
      const broken = Layer.succeed(Hasher, {
        make: () => ({
          update: () => {},
          digest: () => {
            throw new Error("no digest")
          }
        }),
        ofText: () => "0".repeat(64)
      })
      const exit = yield* Effect.flatMap(Downloader.Downloader, ({ download }) =>
        download(
          Download.request({
            url: `${origin.url}/small`,
            destination: `${directory}/small`,
            digest: `sha256:${"0".repeat(64)}`,
            timeout: "2 seconds"
          })
        )
      ).pipe(Effect.provide(Layer.provide(layer, broken)), Effect.exit)
      assert.include(Exit.isFailure(exit) ? Cause.pretty(exit.cause) : "", "no digest")
      assert.deepStrictEqual(filesIn(directory), [])
    })
  )
})
