import { readdirSync } from "node:fs"
import * as FileSystem from "@effect/platform/FileSystem"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { describe } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { layer as nodeStore } from "../../src/Node/Store.js"
import * as MemoryStore from "../../src/Store/Memory.js"
import * as TarStore from "../../src/Store/Tar.js"
import { Store } from "../../src/Store.js"
import * as Contracts from "../../src/testing/Contracts.js"
import { runCases } from "../support/runCases.js"
import { bucketAt, storeOf } from "../support/storage/s3Bucket.js"
import { scriptedS3 } from "../support/storage/scriptedS3.js"

const temporary = Effect.orDie(Effect.flatMap(FileSystem.FileSystem, (fs) => fs.makeTempDirectoryScoped())).pipe(
  Effect.provide(NodeFileSystem.layer)
)

const destination = "samples/file"

/** The probe of a store that writes into a tar. `parts` counts the parts of the underlying store. */
const probeOf = (underlying: Layer.Layer<Store>, tar: string, parts: Effect.Effect<number>) =>
  Effect.gen(function* () {
    // Little memory, so that large files are parts of the underlying store.
    const context = yield* Effect.orDie(
      Layer.build(
        TarStore.layer({ destination: tar, memoryBytes: 160_000 }).pipe(Layer.provide(underlying), Layer.fresh)
      )
    )
    const store = Context.get(context, Store)
    const ownParts = yield* parts
    return {
      layer: Layer.succeed(Store, store),
      destination,
      keeps: true,
      read: Stream.runCollect(Stream.map(store.read(destination), (chunk) => new Uint8Array(chunk))).pipe(
        Effect.map((chunks) => Buffer.concat([...chunks]).toString()),
        Effect.orElseSucceed(() => undefined)
      ),
      // The tar itself is a part as well, from the first sample on.
      parts: Effect.map(parts, (count) => Math.max(0, count - ownParts))
    }
  })

describe("Store/Tar over Store/Memory", () => {
  runCases(
    Contracts.store(
      Effect.gen(function* () {
        const context = yield* Layer.build(Layer.fresh(MemoryStore.layer))
        const { parts } = Context.get(context, MemoryStore.MemoryFiles)
        return yield* probeOf(Layer.succeed(Store, Context.get(context, Store)), "memory/00000.tar", parts)
      })
    )
  )
})

describe("Store/Tar over Node/Store", () => {
  runCases(
    Contracts.store(
      Effect.gen(function* () {
        const directory = yield* temporary
        const parts = Effect.sync(
          () => readdirSync(directory).filter((name) => name.endsWith(".tar.sample.part")).length
        )
        return yield* probeOf(nodeStore, `${directory}/00000.tar`, parts)
      })
    )
  )
})

describe("Store/Tar over Store/S3", () => {
  runCases(
    Contracts.store(
      Effect.gen(function* () {
        const storage = yield* scriptedS3
        const store = yield* storeOf(bucketAt(storage.endpoint, "prefix").options)
        // The content of a file that is not in the tar yet is in memory, or in blocks with the destination of the tar and `.sample`.
        const parts = Effect.sync(
          () =>
            [...storage.objects].filter(
              ([key, { body }]) => key.includes("/records/") && body.toString().includes(".tar.sample")
            ).length
        )
        return yield* probeOf(Layer.succeed(Store, store), "tars/00000.tar", parts)
      })
    )
  )
})
