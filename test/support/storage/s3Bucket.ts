/**
 * A bucket of a storage that a test has started, a store in it, and what the store has left.
 */
import * as HttpClient from "@effect/platform/HttpClient"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import type { Disk } from "../../../src/DownloadError.js"
import * as NodeTransport from "../../../src/Node/Transport.js"
import * as S3Store from "../../../src/Store/S3.js"
import { type Part, type PublishOptions, Store } from "../../../src/Store.js"
import { toHttpClient } from "../../../src/Transport/toHttpClient.js"
import { Transport } from "../../../src/Transport.js"
import { type S3Client, type S3Keys, s3Client } from "./s3Client.js"
import type { ScriptedS3 } from "./scriptedS3.js"

export interface S3Bucket {
  readonly client: S3Client
  readonly options: S3Store.Options
}

/** `blockBytes` is small, so that small files have several blocks. */
export const bucketAt = (
  endpoint: string,
  prefix: string,
  keys: S3Keys = { accessKeyId: "test:tester", secretAccessKey: "testing" }
): S3Bucket => ({
  client: s3Client(endpoint, "bucket", keys),
  options: {
    endpoint,
    bucket: "bucket",
    prefix,
    credentials: { accessKeyId: keys.accessKeyId, secretAccessKey: Redacted.make(keys.secretAccessKey) },
    blockBytes: 640 * 1024
  }
})

/** A store as a process of its own has it. */
export const storeOf = (
  options: S3Store.Options,
  client: Layer.Layer<HttpClient.HttpClient> = NodeHttpClient.layerUndici
): Effect.Effect<typeof Store.Service, never, Scope.Scope> =>
  Effect.map(Layer.build(Layer.fresh(S3Store.layer(options)).pipe(Layer.provide(client), Layer.orDie)), (context) =>
    Context.get(context, Store)
  )

export const write = (part: Part, text: string, positionBytes = 0): Effect.Effect<void, Disk> =>
  Effect.suspend(() => part.write(new TextEncoder().encode(text), positionBytes))

export const publish = (
  part: Part,
  onExists: PublishOptions["onExists"] = "overwrite"
): Effect.Effect<string | undefined, Disk> => Effect.suspend(() => part.publish({ onExists, durability: "full" }))

/** The text of an object of a storage in memory. */
export const textAt = ({ objects }: ScriptedS3, key: string): string | undefined => objects.get(key)?.body.toString()

/** What transfers have left in a storage in memory: objects but owners, and multipart uploads. */
export const leftIn = ({ objects, uploads }: ScriptedS3): ReadonlyArray<string> => [
  ...[...objects.keys()].filter((key) => key.includes("/.halyard/") && !key.includes("/owners/")),
  ...[...uploads].map(([id, { key }]) => `${id} ${key}`)
]

/** The client of the commands: over the sockets of halyard. */
export const overTransport: Layer.Layer<HttpClient.HttpClient> = Layer.effect(
  HttpClient.HttpClient,
  Effect.map(Transport, toHttpClient)
).pipe(Layer.provide(Layer.fresh(NodeTransport.layer())))

/** The number of requests whose method is PUT, and a client that counts them. */
export const counting = (base: Layer.Layer<HttpClient.HttpClient> = NodeHttpClient.layerUndici) => {
  let count = 0
  const client = Layer.effect(
    HttpClient.HttpClient,
    Effect.map(
      HttpClient.HttpClient,
      HttpClient.tapRequest((request) =>
        Effect.sync(() => {
          count += request.method === "PUT" ? 1 : 0
        })
      )
    )
  ).pipe(Layer.provide(base))
  return { client, count: Effect.sync(() => count) }
}

/** The names of the parts of which the bucket has objects or a multipart upload. */
export const partsIn = ({ client, options: { prefix } }: S3Bucket) =>
  Effect.gen(function* () {
    const blocks = yield* client.keys(`${prefix}/.halyard/blocks/`)
    const records = yield* client.keys(`${prefix}/.halyard/records/`)
    const uploads = yield* client.uploads(`${prefix}/`)
    return [
      ...new Set([
        ...blocks.map((key) => /\/blocks\/([^/]+)\//.exec(key)?.[1] ?? key),
        ...records.map((key) => /-([0-9a-f]{24})-/.exec(key)?.[1] ?? key)
      ]),
      ...uploads.map(([key, upload]) => `${key} ${upload}`)
    ]
  })
