// A program of somebody else's, compiled strictly against the installed package and then run.
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { Chunk, Effect, Layer, Stream } from "effect"
import {
  Download,
  DownloadError,
  Downloader,
  FlagServer,
  Flags,
  HttpClientTransport,
  MemoryStore,
  Screen,
  Spinner,
  Supervisor
} from "halyard"
import type { DownloadError as Failure } from "halyard/DownloadError"
import * as Node from "halyard/Node"

const request = (code: string) =>
  Effect.map(FlagServer.FlagServer, ({ baseUrl }) => Flags.request(code, { baseUrl, directory: "flags" }))

const one: Effect.Effect<Download.Saved | Download.Skipped, Failure, Downloader.Downloader | FlagServer.FlagServer> =
  Effect.flatMap(request("BR"), (wanted) =>
    Effect.flatMap(Downloader.Downloader, (downloader) => downloader.download(wanted))
  )

const many = Effect.gen(function* () {
  const downloader = yield* Downloader.Downloader
  const wanted = yield* Effect.forEach(["US", "QQ"], request)
  const outcomes = yield* Stream.runCollect(downloader.run(Stream.fromIterable(wanted)))
  return Chunk.toReadonlyArray(outcomes).reduce(Download.addOutcome, Download.emptyReport)
})

const inMemory = Downloader.layer.pipe(
  Layer.provide(HttpClientTransport.layer),
  Layer.provide(FlagServer.layerClient({ directory: Node.flagsDirectory() })),
  Layer.provideMerge(MemoryStore.layer),
  Layer.provide(NodeFileSystem.layer)
)

const program = Effect.gen(function* () {
  const saved = yield* Spinner.withSpinner(one, { message: "fetching" })
  const report = yield* many
  const frames = (yield* Screen.Recording).frames()
  const children = yield* Supervisor.supervise(Effect.succeed("supervised"), { companions: { idle: Effect.never } })
  const error: string = new DownloadError.HttpStatus({ url: "", status: 418 }).message
  return { saved: saved._tag, report, frames: frames.length, children, error }
}).pipe(
  Effect.provide(
    Layer.mergeAll(inMemory, Node.layerFlagServer(), Spinner.layer.pipe(Layer.provideMerge(Screen.layerRecording())))
  )
)

const threaded = Effect.gen(function* () {
  const fs = yield* Effect.promise(() => import("node:fs/promises"))
  yield* Effect.promise(() => fs.mkdir("flags", { recursive: true }))
  return (yield* one)._tag
}).pipe(Effect.provide(Layer.merge(Node.layerThreads({ threads: 1, concurrency: 1 }), Node.layerFlagServer())))

process.stdout.write(
  JSON.stringify({ ...(await Effect.runPromise(program)), threaded: await Effect.runPromise(threaded) })
)
