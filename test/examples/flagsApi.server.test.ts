// The README's service, put behind a real socket.

import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpClient from "@effect/platform/HttpClient"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Downloader, FlagServer, HttpClientTransport, MemoryStore } from "halyard"
import { flagsDirectory } from "halyard/Node"
import { Api, FlagsApi } from "./flagsApi.js"

const origin = FlagServer.layerClient({ directory: flagsDirectory() }).pipe(Layer.provide(NodeFileSystem.layer))

const downloads = Downloader.layer.pipe(
  Layer.provide(HttpClientTransport.layer),
  Layer.provide(origin),
  Layer.provideMerge(MemoryStore.layer)
)

const service = HttpApiBuilder.serve().pipe(
  Layer.provide(HttpApiBuilder.api(Api)),
  Layer.provide(FlagsApi),
  Layer.provideMerge(downloads),
  Layer.provideMerge(NodeHttpServer.layerTest)
)

it.scopedLive("answers 204 for a flag that was fetched, and 502 with the typed error for one that was not", () =>
  Effect.gen(function* () {
    const client = yield* HttpClient.HttpClient
    assert.strictEqual((yield* client.put("/flags/BR")).status, 204)
    const refused = yield* client.put("/flags/QQ")
    assert.strictEqual(refused.status, 502)
    assert.deepInclude(yield* refused.json, { _tag: "HttpStatus", status: 404 })
    const files = yield* Effect.flatMap(MemoryStore.MemoryFiles, (memory) => memory.files)
    assert.deepStrictEqual(Array.from(files.keys()), ["flags/br.gif"])
  }).pipe(Effect.provide(service))
)
