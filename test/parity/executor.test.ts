/**
 * The chapter: what blocks goes to an executor, a pool of threads, so that the event loop goes on; leaving the `with`
 * waits for its threads.
 *
 * `ThreadPoolExecutor(n)` and `with` → `WorkerDownloader.layer({ threads: n })`; `run_in_executor(None, save)` → `FileSystem.writeFile`
 */
import * as FileSystem from "@effect/platform/FileSystem"
import * as HttpServer from "@effect/platform/HttpServer"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as Downloader from "../../src/Downloader.js"
import { FlagServer } from "../../src/FlagServer.js"
import * as Flags from "../../src/Flags.js"
import * as NodeHttpServer from "../../src/Node/HttpServer.js"
import * as NodeStore from "../../src/Node/Store.js"
import * as NodeThreads from "../../src/Node/Threads.js"
import * as HalyardNode from "../../src/Node.js"
import { Threads } from "../../src/Threads.js"
import * as WorkerDownloader from "../../src/WorkerDownloader.js"

const codes = [...Flags.populous, "ZZ"]

/** Fetches flags into a directory, over whatever downloader there is; gives the outcomes by code. */
const fetch = (directory: string) =>
  Effect.gen(function* () {
    const { baseUrl } = yield* FlagServer
    const downloader = yield* Downloader.Downloader
    const requests = codes.map((code) => Flags.request(code, { baseUrl, directory }))
    const outcomes = yield* Stream.runCollect(downloader.run(Stream.fromIterable(requests), { concurrency: 6 }))
    return Chunk.toArray(outcomes)
      .map((outcome) => [
        outcome.request.id,
        outcome._tag === "Failed" ? outcome.error._tag : outcome._tag,
        outcome._tag === "Saved" ? outcome.bytes : 0
      ])
      .sort()
  })

/** A pool of threads that run the built program's worker, and how many of them were started and have ended. */
const makePool = Effect.sync(() => {
  const counts = { started: 0, ended: 0 }
  const counted = Layer.map(
    NodeThreads.layer({ workerUrl: new URL("../../dist/bin.js", import.meta.url) }),
    (context) => {
      const threads = Context.get(context, Threads)
      const start: typeof threads.start = ({ onEnd, onNotes }) => {
        counts.started++
        return threads.start({
          onNotes,
          onEnd: () => {
            counts.ended++
            onEnd()
          }
        })
      }
      return Context.make(Threads, { ...threads, start })
    }
  )
  return {
    counts,
    layer: WorkerDownloader.layer({ threads: 2, concurrency: 6 }).pipe(
      Layer.provide(Layer.merge(counted, NodeStore.layer))
    )
  }
})

const world = Layer.merge(HalyardNode.layerFlagServer(), NodeFileSystem.layer)

describe("executor", () => {
  it.scopedLive(
    "carries the work out in as many threads as asked, waits for them at the end, and changes no outcome",
    () =>
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        const [threads, fibers] = [yield* fs.makeTempDirectoryScoped(), yield* fs.makeTempDirectoryScoped()]
        const pool = yield* makePool
        const inThreads = yield* Effect.provide(fetch(threads), pool.layer)
        assert.deepStrictEqual(pool.counts, { started: 2, ended: 2 })
        assert.deepStrictEqual(inThreads, yield* Effect.provide(fetch(fibers), HalyardNode.layer))
        assert.strictEqual(inThreads.filter(([, tag]) => tag === "Saved").length, 20)
        assert.deepInclude(inThreads, ["ZZ", "HttpStatus", 0])
        for (const name of yield* fs.readDirectory(fibers)) {
          assert.deepStrictEqual(yield* fs.readFile(`${threads}/${name}`), yield* fs.readFile(`${fibers}/${name}`))
        }
      }).pipe(Effect.provide(world))
  )

  it.scopedLive("cancels what its threads have under way, leaves no part of it, and has the threads ended", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const directory = yield* fs.makeTempDirectoryScoped()
      const pool = yield* makePool
      const server = yield* HttpServer.HttpServer
      const asked = yield* Effect.makeLatch()
      yield* server.serve(Effect.interruptible(Effect.zipRight(asked.open, Effect.never)))
      const baseUrl = yield* HttpServer.addressFormattedWith(Effect.succeed)
      const fiber = yield* Effect.flatMap(Downloader.Downloader, (downloader) =>
        downloader.download(Flags.request("BR", { baseUrl, directory }))
      ).pipe(Effect.provide(pool.layer), Effect.fork)
      yield* asked.await
      // One is enough for one file.
      assert.deepStrictEqual(pool.counts, { started: 1, ended: 0 })
      assert.isTrue(Exit.isInterrupted(yield* Fiber.interrupt(fiber)))
      assert.deepStrictEqual(pool.counts, { started: 1, ended: 1 })
      assert.deepStrictEqual(yield* fs.readDirectory(directory), [])
    }).pipe(Effect.provide(Layer.merge(NodeHttpServer.layer({ hostname: "127.0.0.1", port: 0 }), NodeFileSystem.layer)))
  )

  it.scopedLive("lets fibers go on while a file is written, which the system's own threads do", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const file = `${yield* fs.makeTempDirectoryScoped()}/br.gif`
      const saving = yield* Effect.fork(fs.writeFile(file, new Uint8Array([71, 73, 70])))
      yield* Effect.yieldNow()
      assert.isTrue(Option.isNone(yield* Fiber.poll(saving)))
      yield* Fiber.join(saving)
      assert.deepStrictEqual(Array.from(yield* fs.readFile(file)), [71, 73, 70])
    }).pipe(Effect.provide(NodeFileSystem.layer))
  )
})
