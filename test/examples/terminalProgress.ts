import { Effect, Layer, Stream } from "effect"
import { Download, Downloader } from "halyard"
import * as Node from "halyard/Node"

const names = ["disk.iso", "notes.pdf"]

export const fetchAll = Effect.gen(function* () {
  const downloader = yield* Downloader.Downloader
  const requests = names.map((name) => Download.request({ url: `https://files.example/${name}`, destination: name }))
  const count = yield* Stream.runCount(downloader.run(Stream.fromIterable(requests), { concurrency: 2 }))
  yield* Effect.log(`${count} files are done`)
})

export const main = Effect.provide(
  fetchAll,
  Layer.merge(Node.layer, Node.layerTerminalProgress({ expected: names.length }))
)
