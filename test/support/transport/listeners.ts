/**
 * Downloads and their events.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Download from "../../../src/Download.js"
import type { DownloadEvent } from "../../../src/DownloadEvent.js"
import * as Downloader from "../../../src/Downloader.js"
import { layer, Origin } from "../../../src/testing.js"

export const request = (name: string, options?: { readonly destination?: string }) =>
  Download.request({
    id: name,
    url: `http://origin.test/${name}`,
    destination: `/d/${name}`,
    onExists: "overwrite",
    ...options
  })

export const download = (name: string) =>
  Effect.flatMap(Downloader.Downloader, (downloader) => downloader.download(request(name)))

export const run = (requests: Iterable<Download.DownloadRequest>, concurrency: number) =>
  Effect.flatMap(Downloader.Downloader, (downloader) =>
    Stream.runCollect(downloader.run(Stream.fromIterable(requests), { concurrency }))
  )

export const idOf = (event: DownloadEvent): string =>
  event._tag === "Finished" ? event.outcome.request.id : event.request.id

export const show = (event: DownloadEvent): string =>
  `${idOf(event)} ${event._tag}${event._tag === "Finished" ? ` ${event.outcome._tag}` : ""}${event._tag === "Advanced" ? ` ${event.bytes}` : ""}`

export const served = layer((asked) => Origin.file(asked, "0123456789"))
