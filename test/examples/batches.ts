import { Effect, Layer, Stream } from "effect"
import { Download } from "halyard"
import { Batches, ShardRun } from "halyard/cluster"
import * as Node from "halyard/Node"
import * as Cluster from "halyard/Node/Cluster"

// On each machine. `host` is the address under which the other runners reach it.
export const runner = (database: string, host: string) =>
  Layer.launch(
    Cluster.layerRunner({ database, host, port: 7410 }).pipe(
      Layer.provide(ShardRun.layer({ concurrency: 32 })),
      Layer.provide(Layer.provide(Node.layer, Node.layerJournal))
    )
  )

// On any machine that reaches the database.
export const submit = Effect.fn(function* (urls: Stream.Stream<string>) {
  const batches = yield* Batches.Batches
  const requests = Stream.map(urls, (url) =>
    Download.request({ url, destination: `/shared/${new URL(url).pathname.slice(1)}`, onExists: "update" })
  )
  return yield* batches.submit({ id: "mirror-2026-11", requests })
})

export const submitTo = (database: string, urls: Stream.Stream<string>) =>
  Effect.provide(submit(urls), Cluster.layerClient({ database }))
