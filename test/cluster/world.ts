/**
 * A batch and its runner in memory, under the test clock.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { Batches, layerMemory, type Runner, ShardRun } from "../../src/cluster.js"
import * as Download from "../../src/Download.js"
import { layer, Origin } from "../../src/testing.js"

/** The requests for `/0`, `/1`, … */
export const requests = (count: number, options?: Partial<Download.RequestOptions>) =>
  Stream.map(Stream.range(0, count - 1), (n) =>
    Download.request({ url: `http://origin.test/${n}`, destination: `/d/${n}`, onExists: "update", ...options })
  )

/** A runner whose shards are runs of a downloader with a scripted origin. */
export const world = (script: (request: Origin.Request) => Origin.Reply, options?: Runner.Options) =>
  layerMemory(options).pipe(Layer.provideMerge(ShardRun.layer()), Layer.provideMerge(layer(script)))

/** A runner with another run of a shard. */
export const worldOf = (run: (typeof ShardRun.ShardRun.Service)["run"], options?: Runner.Options) =>
  layerMemory(options).pipe(Layer.provide(Layer.succeed(ShardRun.ShardRun, { run })))

/** The outcome of a request whose file was saved. */
export const saved = (request: Download.DownloadRequest) =>
  new Download.Saved({
    request,
    destination: request.destination,
    bytes: 10,
    verified: "length",
    attempts: 1,
    url: request.url,
    status: 200
  })

/** Outcomes of a run that saves a file a second, one after the other. */
export const saving = (requested: Stream.Stream<Download.DownloadRequest>) =>
  Stream.mapEffect(requested, (request) => Effect.delay(Effect.succeed(saved(request)), "1 second"))

/** Waits for the end of a batch, and returns its status. */
export const ended = (id: string) =>
  Effect.flatMap(Batches.Batches, (batches) =>
    batches
      .status(id)
      .pipe(
        Effect.delay("1 second"),
        Effect.repeat({ until: ({ state }) => state === "ended" || state === "cancelled" })
      )
  )

/** A response with three bytes. */
export const file = (request: Origin.Request) => Origin.file(request, "abc")

/** Submits a batch whose shards have ten requests. */
export const submit = (id: string, count: number, options?: Partial<Batches.BatchOptions>) =>
  Effect.flatMap(Batches.Batches, (batches) =>
    batches.submit({ id, requests: requests(count), shardSize: 10, ...options })
  )
