// Saves files into a tar, and prints the path of each one that is saved. It completes the tar at the end.
import { Effect, Layer } from "effect"
import * as NodeStore from "../../../dist/Node/Store.js"
import * as TarStore from "../../../dist/Store/Tar.js"
import { Store } from "../../../dist/Store.js"

const [destination, count] = process.argv.slice(2)

const save = (store, path, text) =>
  Effect.gen(function* () {
    const { part } = yield* store.open(path, { resume: undefined })
    yield* part.write(new TextEncoder().encode(text), 0)
    yield* part.publish({ onExists: "fail", durability: "full" })
    process.stdout.write(`${path}\n`)
  })

const main = Effect.gen(function* () {
  const store = yield* Store
  const { finish } = yield* TarStore.TarFiles
  yield* Effect.forEach(
    Array.from({ length: Number(count) }, (_, index) => index),
    (index) =>
      Effect.gen(function* () {
        const path = `${index}.txt`
        if ((yield* store.stat(path)) === undefined) {
          yield* save(store, path, `file ${index} `.repeat(1 + index * 50))
        }
      }),
    { concurrency: 8 }
  )
  yield* finish
})

Effect.runPromise(
  Effect.provide(main, Layer.provide(TarStore.layer({ destination, memoryBytes: 160_000 }), NodeStore.layer))
)
