// A separate program, which is compiled strictly against the installed package and then run.
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { Chunk, Effect, Layer, Stream, TestContext } from "effect"
import {
  Download,
  DownloadError,
  Downloader,
  FlagServer,
  Flags,
  HttpClientTransport,
  MemoryStore,
  Progress,
  Screen,
  Spinner,
  Supervisor
} from "halyard"
import type { DownloadError as Failure } from "halyard/DownloadError"
import * as Node from "halyard/Node"
import { autoAdvance, Contracts, layer, Origin, World } from "halyard/testing"

const request = (code: string) =>
  Effect.map(FlagServer.FlagServer, ({ baseUrl }) => Flags.request(code, { baseUrl, directory: "flags" }))

const one: Effect.Effect<
  Download.Saved | Download.Skipped | Download.NotModified,
  Failure,
  Downloader.Downloader | FlagServer.FlagServer
> = Effect.flatMap(request("BR"), (wanted) =>
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

// The test of a service, with the published kit.
const tested = Effect.gen(function* () {
  const downloader = yield* Downloader.Downloader
  const saved = yield* autoAdvance(downloader.download(Download.request({ url: "http://a.test/b", destination: "b" })))
  return { attempts: saved._tag === "Saved" ? saved.attempts : 0, asked: (yield* Origin.Origin).requests().length }
}).pipe(
  Effect.provide(
    layer((asked) =>
      asked.turn === 0 ? { status: 503, headers: { "retry-after": "60" } } : Origin.file(asked, "content")
    )
  ),
  Effect.provide(TestContext.TestContext)
)

const contract = Contracts.progress(Progress.layer(() => Effect.void))

await Effect.runPromise(Effect.forEach(contract, ({ check }) => check))

const { _tag: slept } = new World(1).run(Effect.sleep("1 hour"))

process.stdout.write(
  JSON.stringify({
    tested: await Effect.runPromise(tested),
    slept,
    ...(await Effect.runPromise(program))
  })
)
