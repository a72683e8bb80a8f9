// What most write with Effect first: the stock client and file system, and forEach.
import * as FileSystem from "@effect/platform/FileSystem"
import * as HttpClient from "@effect/platform/HttpClient"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { job } from "./list.mjs"

const program = Effect.gen(function* () {
  const client = (yield* HttpClient.HttpClient).pipe(HttpClient.filterStatusOk)
  const fs = yield* FileSystem.FileSystem
  yield* Effect.forEach(
    job.urls,
    (url) =>
      client.get(url).pipe(
        Effect.flatMap((response) => response.arrayBuffer),
        Effect.flatMap((bytes) => fs.writeFile(job.destination(url), new Uint8Array(bytes)))
      ),
    { concurrency: job.connections, discard: true }
  )
})

program.pipe(Effect.provide(Layer.merge(NodeHttpClient.layerUndici, NodeFileSystem.layer)), NodeRuntime.runMain)
