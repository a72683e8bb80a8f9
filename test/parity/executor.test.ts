/**
 * The chapter: what blocks goes to an executor, a pool of threads, so that the event loop goes on; leaving the `with`
 * waits for its threads.
 *
 * `ThreadPoolExecutor(n)` and `with` → `halyard flags --engine threads`; `run_in_executor(None, save)` → `FileSystem.writeFile`
 */
import { Worker } from "node:worker_threads"
import * as FileSystem from "@effect/platform/FileSystem"
import * as HttpServer from "@effect/platform/HttpServer"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodeWorker from "@effect/platform-node/NodeWorker"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as ThreadPool from "../../src/Cli/Flags/threadPool.js"
import type { DownloadEvent } from "../../src/DownloadEvent.js"
import { FlagServer } from "../../src/FlagServer.js"
import * as Flags from "../../src/Flags.js"
import * as NodeHttpServer from "../../src/Node/HttpServer.js"
import * as HalyardNode from "../../src/Node.js"

const codes = [...Flags.populous, "ZZ"]

/** Fetches flags in `threads` of the built program's worker threads; gives the outcomes by code. */
const fetch = (options: { readonly baseUrl: string; readonly directory: string; readonly threads: number }) =>
  Effect.gen(function* () {
    const outcomes: Array<readonly [string, string]> = []
    const requests = codes.map((code) => Flags.request(code, options))
    const timeout = Duration.seconds(20)
    const onEvent = (event: DownloadEvent) =>
      Effect.sync(() => {
        if (event._tag === "Finished") {
          outcomes.push([event.outcome.request.id, event.outcome._tag])
        }
      })
    const exit = yield* Effect.exit(ThreadPool.fetchAll(requests, { ...options, timeout, onEvent }))
    return { exit, outcomes: outcomes.sort() }
  })

/** The pool's threads run the built program; `counts` tells how many were started and how many have ended. */
const makeWorkers = Effect.sync(() => {
  const counts = { started: 0, ended: 0 }
  const spawn = () => {
    counts.started++
    const worker = new Worker(new URL("../../dist/bin.cjs", import.meta.url), { workerData: { halyard: "flags" } })
    return worker.once("exit", () => counts.ended++)
  }
  return { counts, layer: NodeWorker.layer(spawn) }
})

describe("executor", () => {
  it.scopedLive("downloads each flag in one of the given number of threads, and waits for the threads at the end", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const directory = yield* fs.makeTempDirectoryScoped()
      const { baseUrl } = yield* FlagServer
      const { counts, layer } = yield* makeWorkers
      const { exit, outcomes } = yield* Effect.provide(fetch({ baseUrl, directory, threads: 3 }), layer)
      assert.deepStrictEqual([exit, counts], [Exit.void, { started: 3, ended: 3 }])
      assert.deepStrictEqual(outcomes, codes.map((code) => [code, code === "ZZ" ? "Failed" : "Saved"] as const).sort())
      const origin = HalyardNode.flagsDirectory()
      for (const name of yield* fs.readDirectory(directory)) {
        assert.deepStrictEqual(yield* fs.readFile(`${directory}/${name}`), yield* fs.readFile(`${origin}/${name}`))
      }
    }).pipe(Effect.provide(Layer.merge(HalyardNode.layerFlagServer(), NodeFileSystem.layer)))
  )

  it.scopedLive("cancels the flags in flight, leaves no part of them, and waits for the threads", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const directory = yield* fs.makeTempDirectoryScoped()
      const { counts, layer } = yield* makeWorkers
      const server = yield* HttpServer.HttpServer
      const asked = yield* Queue.unbounded<void>()
      yield* server.serve(Effect.interruptible(Effect.zipRight(Queue.offer(asked, undefined), Effect.never)))
      const baseUrl = yield* HttpServer.addressFormattedWith(Effect.succeed)
      const fiber = yield* Effect.fork(Effect.provide(fetch({ baseUrl, directory, threads: 2 }), layer))
      yield* Queue.takeN(asked, 2)
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(counts, { started: 2, ended: 2 })
      assert.deepStrictEqual(yield* fs.readDirectory(directory), [])
    }).pipe(Effect.provide(Layer.merge(NodeHttpServer.layer({ hostname: "127.0.0.1", port: 0 }), NodeFileSystem.layer)))
  )

  it.scopedLive("lets fibers continue while a thread of Node writes a file", () =>
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
