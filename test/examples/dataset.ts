import { Effect, Layer, Stream } from "effect"
import { Download, Downloader } from "halyard"
import * as Store from "halyard/Node/Store"
import * as Transport from "halyard/Node/Transport"
import * as TarStore from "halyard/TarStore"

/** Saves images into `out/00000.tar`, `out/00001.tar` and so on. */
export const dataset = (urls: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const downloader = yield* Downloader.Downloader
    const tars = yield* TarStore.TarFiles
    const requests = urls.map((url, index) =>
      Download.request({ url, destination: `${index}.jpg`, onExists: "skip", digestAlgorithm: "sha256" })
    )
    const saved = yield* downloader.run(Stream.fromIterable(requests), { concurrency: 64 }).pipe(
      Stream.filter(({ _tag }) => _tag === "Saved"),
      Stream.runCount
    )
    return { saved, tars: yield* tars.finish }
  })

export const tars = TarStore.layer({ destination: "out/{shard}.tar", maxSamples: 10_000 })

export const main = (urls: ReadonlyArray<string>) =>
  dataset(urls).pipe(
    Effect.provide(
      Downloader.layer.pipe(Layer.provideMerge(tars.pipe(Layer.provide(Store.layer))), Layer.provide(Transport.layer()))
    )
  )
