// Downloads one file into a bucket, as a program that uses the library does. Arguments: the URL of the storage, the URL of the file,
// and the number of connections for the file.
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { Effect, Layer, Redacted } from "effect"
import { Download, Downloader } from "halyard"
import * as Transport from "halyard/Node/Transport"
import * as S3Store from "halyard/S3Store"

const [, , endpoint, url, segments] = process.argv

const store = S3Store.layer({
  endpoint,
  bucket: "bucket",
  prefix: "prefix",
  credentials: { accessKeyId: "test:tester", secretAccessKey: Redacted.make("testing") },
  blockBytes: 640 * 1024
}).pipe(Layer.provide(NodeHttpClient.layerUndici))

const downloader = Downloader.layerWith({ segments: Number(segments) }).pipe(
  Layer.provide(Layer.merge(store, Transport.layer()))
)

const outcome = await Effect.runPromise(
  Effect.flatMap(Downloader.Downloader, (service) =>
    service.download(Download.request({ url, destination: "directory/file", resume: true, digestAlgorithm: "sha256" }))
  ).pipe(Effect.provide(downloader))
)
process.stdout.write(JSON.stringify(outcome))
