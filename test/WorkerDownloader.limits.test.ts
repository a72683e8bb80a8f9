// What holds over all threads together, at real origins. Worker threads run the built program's: `npm test` builds it.
import type { IncomingMessage, ServerResponse } from "node:http"
import { BroadcastChannel } from "node:worker_threads"
import * as FileSystem from "@effect/platform/FileSystem"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as Download from "../src/Download.js"
import * as Downloader from "../src/Downloader.js"
import * as Node from "../src/Node.js"
import * as Progress from "../src/Progress.js"
import * as RetryPolicy from "../src/RetryPolicy.js"
import { http } from "./support/loopback.js"
import { until } from "./support/poll.js"

const workerUrl = new URL("../dist/Node/worker.js", import.meta.url)

const quickRetries = RetryPolicy.make({ firstDelay: Duration.millis(5), longestDelay: Duration.millis(20) })

type Answer = (request: IncomingMessage, response: ServerResponse, turn: number) => void

/** An origin that counts: requests, and how many of them were open at a time. */
const counting = (answer: Answer) =>
  Effect.gen(function* () {
    const counts = { open: 0, most: 0, all: 0, times: [] as Array<number> }
    const { url } = yield* http((request, response) => {
      counts.open++
      counts.most = Math.max(counts.most, counts.open)
      counts.times.push(performance.now())
      response.once("close", () => {
        counts.open--
      })
      answer(request, response, counts.all++)
    })
    return { url, counts }
  })

const delayed =
  (millis: number, answer: Answer): Answer =>
  (request, response, turn) => {
    setTimeout(() => answer(request, response, turn), millis)
  }

const content: Answer = (request, response) => {
  response.end(`content of ${request.url}`)
}

const directoryWith = Effect.flatMap(FileSystem.FileSystem, (fs) => fs.makeTempDirectoryScoped())

const list = (directory: string, count: number, urlOf: (index: number) => string) =>
  Array.from({ length: count }, (_, index) =>
    Download.request({ id: `${index}`, url: urlOf(index), destination: `${directory}/${index}` })
  )

const collect = (requests: ReadonlyArray<Download.DownloadRequest>, concurrency: number) =>
  Effect.flatMap(Downloader.Downloader, ({ run }) =>
    Effect.map(Stream.runCollect(run(Stream.fromIterable(requests), { concurrency })), Chunk.toReadonlyArray)
  )

const tags = (outcomes: ReadonlyArray<Download.DownloadOutcome>) => {
  const counts: Record<string, number> = {}
  for (const { _tag } of outcomes) {
    counts[_tag] = (counts[_tag] ?? 0) + 1
  }
  return counts
}

const threaded = (options: Omit<Parameters<typeof Node.layerThreads>[0], "threads"> & { readonly threads?: number }) =>
  Node.layerThreads({ threads: 3, retry: quickRetries, workerUrl, ...options })

describe("WorkerDownloader, over all threads", () => {
  it.scopedLive("carries out no more than the run's concurrency, also where attempts fail and are repeated", () =>
    Effect.gen(function* () {
      const { counts, url } = yield* counting(
        delayed(3, (request, response, turn) =>
          turn % 7 === 3 ? response.writeHead(500).end() : content(request, response, turn)
        )
      )
      const directory = yield* directoryWith
      const outcomes = yield* Effect.provide(
        collect(
          list(directory, 400, (index) => `${url}/${index}`),
          7
        ),
        threaded({})
      )
      assert.deepStrictEqual(tags(outcomes), { Saved: 400 })
      assert.strictEqual(counts.most, 7)
      assert.strictEqual(new Set(outcomes.map(({ request }) => request.id)).size, 400)
    }).pipe(Effect.provide(NodeFileSystem.layer))
  )

  it.scopedLive("carries out no more than the limit of an origin, where that is less than a permit a thread", () =>
    Effect.gen(function* () {
      const [one, other] = [yield* counting(delayed(2, content)), yield* counting(delayed(2, content))]
      const directory = yield* directoryWith
      const requests = list(directory, 300, (index) => `${index % 3 === 0 ? one.url : other.url}/${index}`)
      const outcomes = yield* Effect.provide(collect(requests, 20), threaded({ perOrigin: 2, adaptive: false }))
      assert.deepStrictEqual(tags(outcomes), { Saved: 300 })
      assert.deepStrictEqual([one.counts.most, other.counts.most], [2, 2])
    }).pipe(Effect.provide(NodeFileSystem.layer))
  )

  it.scopedLive("asks for the permit of each origin that a redirect leads to", () =>
    Effect.gen(function* () {
      const target = yield* counting(delayed(2, content))
      const origin = yield* counting((request, response) => {
        response.writeHead(302, { location: `${target.url}${request.url}` }).end()
      })
      const directory = yield* directoryWith
      const requests = list(directory, 120, (index) => `${origin.url}/${index}`)
      const outcomes = yield* Effect.provide(collect(requests, 12), threaded({ perOrigin: 2, adaptive: false }))
      assert.deepStrictEqual(tags(outcomes), { Saved: 120 })
      assert.isAtMost(origin.counts.most, 2)
      assert.isAtMost(target.counts.most, 2)
    }).pipe(Effect.provide(NodeFileSystem.layer))
  )

  it.scopedLive("holds the limits while one run is cancelled and the next begins", () =>
    Effect.gen(function* () {
      const { counts, url } = yield* counting(delayed(5, content))
      const directory = yield* directoryWith
      const { events } = yield* Progress.Recorded
      for (const millis of [0, 15, 40, 90]) {
        const requests = list(directory, 500, (index) => `${url}/${millis}/${index}`)
        const fiber = yield* Effect.fork(collect(requests, 8))
        yield* Effect.sleep(millis)
        yield* Fiber.interrupt(fiber)
      }
      const finished = (yield* events).flatMap((event) => (event._tag === "Finished" ? [event.outcome] : []))
      const started = (yield* events).filter(({ _tag }) => _tag === "Started")
      assert.isAtLeast(finished.length, started.length)
      assert.strictEqual(new Set(finished.map(({ request }) => request)).size, finished.length)
      assert.isAtMost(counts.most, 8)
      const fs = yield* FileSystem.FileSystem
      const saved = new Set(finished.flatMap((one) => (one._tag === "Saved" ? [one.request.id] : [])))
      assert.deepStrictEqual(new Set(yield* fs.readDirectory(directory)), saved)
    }).pipe(
      Effect.provide(
        threaded({ concurrency: 8 }).pipe(
          Layer.provideMerge(Progress.layerRecording),
          Layer.merge(NodeFileSystem.layer)
        )
      )
    )
  )

  it.scopedLive("leaves an origin alone in all threads for as long as one of them was asked to", () =>
    Effect.gen(function* () {
      let refusedAt = 0
      const { counts, url } = yield* counting(
        delayed(2, (request, response, turn) => {
          if (request.url === "/60" && (refusedAt === 0 || performance.now() - refusedAt < 500)) {
            refusedAt ||= performance.now()
            response.writeHead(429, { "retry-after": "4" }).end()
          } else {
            content(request, response, turn)
          }
        })
      )
      const directory = yield* directoryWith
      const requests = list(directory, 200, (index) => `${url}/${index}`)
      const outcomes = yield* Effect.provide(collect(requests, 9), threaded({}))
      assert.deepStrictEqual(tags(outcomes), { Saved: 200 })
      // Those that were on their way may arrive, on a busy machine late; none begins later.
      const meanwhile = counts.times.filter((at) => at > refusedAt + 2500 && at < refusedAt + 3990)
      assert.deepStrictEqual(meanwhile, [])
    }).pipe(Effect.provide(NodeFileSystem.layer))
  )

  it.scopedLive("keeps to the rates of requests and of bytes", () =>
    Effect.gen(function* () {
      const { counts, url } = yield* counting((_, response) => {
        response.end(Buffer.alloc(100_000))
      })
      const directory = yield* directoryWith
      const begun = performance.now()
      const inTurns = threaded({ requestsPerSecond: 50 })
      yield* Effect.provide(
        collect(
          list(directory, 26, (index) => `${url}/${index}`),
          10
        ),
        inTurns
      )
      assert.isAtLeast(performance.now() - begun, 495)
      assert.strictEqual(counts.all, 26)
      const other = yield* directoryWith
      const again = performance.now()
      const slowly = threaded({ bytesPerSecondPerOrigin: 2_000_000 })
      yield* Effect.provide(
        collect(
          list(other, 20, (index) => `${url}/${index}`),
          4
        ),
        slowly
      )
      // 2 MB, but for what the last of each of four rests for.
      assert.isAtLeast(performance.now() - again, 700)
    }).pipe(Effect.provide(NodeFileSystem.layer))
  )

  it.scopedLive("takes in no more than can wait in its threads", () =>
    Effect.gen(function* () {
      const { counts, url } = yield* counting(() => {})
      const directory = yield* directoryWith
      let pulled = 0
      const endless = Stream.repeatEffect(
        Effect.sync(() =>
          Download.request({ url: `${url}/${pulled}`, destination: `${directory}/${pulled++}`, onExists: "overwrite" })
        )
      )
      const fiber = yield* Effect.flatMap(Downloader.Downloader, ({ run }) =>
        Stream.runDrain(run(endless, { concurrency: 5 }))
      ).pipe(Effect.provide(threaded({ threads: 2 })), Effect.fork)
      yield* until(
        "requests",
        () => counts.open === 5 || undefined,
        () => `${counts.open}`
      )
      yield* Effect.sleep("100 millis")
      assert.strictEqual(counts.all, 5)
      assert.isAtMost(pulled, 5 + 2 * 128 + 1)
      yield* Fiber.interrupt(fiber)
    }).pipe(Effect.provide(NodeFileSystem.layer))
  )

  it.scopedLive("shares one transfer among requests for the same file, and tells events", () =>
    Effect.gen(function* () {
      const { counts, url } = yield* counting(
        delayed(20, (request, response, turn) =>
          turn < 1 ? response.writeHead(503).end() : content(request, response, turn)
        )
      )
      const directory = yield* directoryWith
      const same = Array.from({ length: 6 }, () => Download.request({ url, destination: `${directory}/same` }))
      const outcomes = yield* collect(same, 6)
      assert.deepStrictEqual(tags(outcomes), { Saved: 6 })
      assert.strictEqual(counts.all, 2)
      const events = yield* Effect.flatMap(Progress.Recorded, ({ events }) => events)
      const retrying = events.filter((event) => event._tag === "Retrying")
      assert.strictEqual(retrying.length, 1)
      assert.strictEqual(retrying[0]?.attempt, 1)
      assert.strictEqual(retrying[0]?.request, same[0])
    }).pipe(
      Effect.provide(threaded({}).pipe(Layer.provideMerge(Progress.layerRecording), Layer.merge(NodeFileSystem.layer)))
    )
  )

  it.scopedLive("fails what a thread had that dies, with WorkerLost, and goes on with the others and a new one", () =>
    Effect.gen(function* () {
      const { counts, url } = yield* counting(delayed(4, content))
      const directory = yield* directoryWith
      const channel = new BroadcastChannel("halyard-test-mortal")
      yield* Effect.addFinalizer(() => Effect.sync(() => channel.close()))
      const requests = list(directory, 800, (index) => `${url}/${index}`)
      const mortal = threaded({ workerUrl: new URL("support/mortalWorker.mjs", import.meta.url), threads: 2 })
      const fiber = yield* Effect.fork(Effect.provide(collect(requests, 6), mortal))
      yield* until(
        "requests",
        () => counts.all >= 200 || undefined,
        () => `${counts.all}`
      )
      channel.postMessage("end")
      const outcomes = yield* Fiber.join(fiber)
      assert.strictEqual(outcomes.length, 800)
      const lost = outcomes.flatMap((one) => (one._tag === "Failed" ? [one.error._tag] : []))
      assert.deepStrictEqual(Array.from(new Set(lost)), ["WorkerLost"])
      assert.isAtMost(lost.length, 6 + 2 * 128)
      assert.strictEqual(tags(outcomes)["Saved"], 800 - lost.length)
      assert.isAtMost(counts.most, 6 + 6)
    }).pipe(Effect.provide(NodeFileSystem.layer))
  )
})
