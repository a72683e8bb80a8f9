// Two runs of many requests over the built library, one ten times as long as the other; prints what the heap holds after
// each, in bytes. Needs --expose-gc.
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { Download, Downloader, Store, Transport } from "../../dist/index.js"

const nowhere = Layer.succeed(Store.Store, {
  prepare: () => Exit.void,
  stat: () => Exit.succeed(undefined),
  read: () => Stream.empty,
  open: () =>
    Exit.succeed({
      part: {
        reserve: () => Exit.void,
        write: () => Exit.void,
        read: () => Exit.succeed(0),
        checkpoint: () => Exit.void,
        publish: () => Exit.succeed("Published"),
        close: () => Exit.void
      },
      record: undefined
    })
})

const origin = Layer.succeed(
  Transport.Transport,
  Transport.make({
    open: () =>
      Effect.succeed({
        status: 200,
        headers: { "content-length": "7" },
        body: Stream.make(new Uint8Array(7))
      })
  })
)

const run = (count) =>
  Effect.flatMap(Downloader.Downloader, ({ run }) =>
    run(
      Stream.range(1, count).pipe(
        Stream.map((index) =>
          Download.request({ url: `http://o${index % 5000}.test/${index}`, destination: `file-${index}` })
        )
      ),
      { concurrency: 10 }
    ).pipe(Stream.runCount)
  ).pipe(Effect.provide(Downloader.layer.pipe(Layer.provide([nowhere, origin]))))

const heap = []
for (const count of [5000, 50_000]) {
  await Effect.runPromise(run(count))
  globalThis.gc()
  globalThis.gc()
  heap.push(process.memoryUsage().heapUsed)
}
process.stdout.write(JSON.stringify(heap))
