import { NodeHttpClient } from "@effect/platform-node"
import { Effect, Layer } from "effect"
import { Download, Downloader } from "halyard"
import * as Transport from "halyard/Node/Transport"
import * as S3Store from "halyard/S3Store"

const options = Effect.map(S3Store.environment, (account) => ({ ...account, bucket: "photos", prefix: "2026" }))

const store = Layer.unwrapEffect(Effect.map(options, S3Store.layer))

export const layer = Downloader.layer.pipe(
  Layer.provide(Layer.merge(store, Transport.layer())),
  Layer.provide(NodeHttpClient.layerUndici)
)

export const download = (url: string) =>
  Effect.flatMap(Downloader.Downloader, (downloader) =>
    downloader.download(Download.request({ url, destination: "cats/1.gif", resume: true }))
  )

/** Removes what earlier runs have left and no run continues. */
export const clean = Effect.flatMap(options, (all) => S3Store.removeLeftovers(all, { olderThan: "7 days" })).pipe(
  Effect.provide(NodeHttpClient.layerUndici)
)
