// Worker threads cannot run TypeScript, so these tests run the built program's: `npm test` builds it.
import { fileURLToPath } from "node:url"
import * as FileSystem from "@effect/platform/FileSystem"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as Downloader from "../src/Downloader.js"
import * as FlagServer from "../src/FlagServer.js"
import * as Flags from "../src/Flags.js"
import * as Node from "../src/Node.js"
import * as Progress from "../src/Progress.js"
import * as RetryPolicy from "../src/RetryPolicy.js"

const workerUrl = new URL("../dist/Node/worker.js", import.meta.url)

const stack = (origin?: Parameters<typeof Node.layerFlagServer>[0]) =>
  Layer.mergeAll(
    Node.layerThreads({ threads: 2, concurrency: 6, retry: RetryPolicy.none, workerUrl }).pipe(
      Layer.provideMerge(Progress.layerRecording)
    ),
    Node.layerFlagServer(origin),
    NodeFileSystem.layer
  )

const requests = (codes: ReadonlyArray<string>, directory: string, timeout: "3 seconds" | "300 millis" = "3 seconds") =>
  Effect.map(FlagServer.FlagServer, ({ baseUrl }) =>
    codes.map((code) => Flags.request(code, { baseUrl, directory, timeout }))
  )

const finished = Effect.map(
  Effect.flatMap(Progress.Recorded, ({ events }) => events),
  (events) => events.flatMap((event) => (event._tag === "Finished" ? [event.outcome] : []))
)

describe("WorkerDownloader", () => {
  it.scopedLive("carries requests out in threads, with the same outcomes and typed errors", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const directory = yield* fs.makeTempDirectoryScoped()
      const downloader = yield* Downloader.Downloader
      const wanted = yield* requests(["BR", "QQ", "US"], directory)
      const outcomes = yield* Stream.runCollect(downloader.run(Stream.fromIterable(wanted), { concurrency: 3 }))
      const told = Chunk.toReadonlyArray(outcomes)
        .map((outcome) => [outcome.request.id, outcome._tag === "Failed" ? outcome.error.message : outcome._tag])
        .sort()
      assert.deepStrictEqual(told, [
        ["BR", "Saved"],
        ["QQ", "HTTP error 404 - Not Found"],
        ["US", "Saved"]
      ])
      assert.deepStrictEqual((yield* fs.readDirectory(directory)).sort(), ["br.gif", "us.gif"])
      const original = yield* fs.readFile(fileURLToPath(new URL(`file://${Node.flagsDirectory()}/br.gif`)))
      assert.deepStrictEqual(yield* fs.readFile(`${directory}/br.gif`), original)
    }).pipe(Effect.provide(stack()))
  )

  it.scopedLive("fails with the typed error of a single download, timeouts included", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const directory = yield* fs.makeTempDirectoryScoped()
      const downloader = yield* Downloader.Downloader
      const [request] = yield* requests(["BR"], directory, "300 millis")
      assert.isDefined(request)
      const error = yield* Effect.flip(downloader.download(request ?? (yield* Effect.dieMessage("no request"))))
      assert.deepInclude(error, { _tag: "Timeout", phase: "total", limitMillis: 300 })
    }).pipe(Effect.provide(stack({ delay: { min: "1 minute", max: "1 minute" } })))
  )

  it.scopedLive("has one outcome for each request, whole files and no parts, whenever it is interrupted", () =>
    Effect.forEach(
      [0, 1, 5, 20, 60, 120, 250],
      (millis) =>
        Effect.gen(function* () {
          const fs = yield* FileSystem.FileSystem
          const directory = yield* fs.makeTempDirectoryScoped()
          const downloader = yield* Downloader.Downloader
          const before = (yield* finished).length
          const wanted = yield* requests(Flags.populous, directory)
          const fiber = yield* Effect.fork(
            Stream.runDrain(downloader.run(Stream.fromIterable(wanted), { concurrency: 6 }))
          )
          yield* Effect.sleep(millis)
          yield* Fiber.interrupt(fiber)
          const outcomes = (yield* finished).slice(before)
          assert.include([0, 20], outcomes.length)
          assert.strictEqual(new Set(outcomes.map((outcome) => outcome.request.id)).size, outcomes.length)
          const saved = outcomes.filter(({ _tag }) => _tag === "Saved")
          assert.deepStrictEqual(
            (yield* fs.readDirectory(directory)).sort(),
            saved.map((outcome) => `${outcome.request.id.toLowerCase()}.gif`).sort()
          )
        }),
      { discard: true }
    ).pipe(Effect.provide(stack({ delay: { min: "10 millis", max: "100 millis" } })))
  )
})
