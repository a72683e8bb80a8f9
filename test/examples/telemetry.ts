import { Effect, Layer, Stream } from "effect"
import { type Download, Downloader, Metrics, OriginGovernor } from "halyard"

/** A downloader with metrics. Requests to the API have `traceparent`. It needs a `Transport` and a `Store`. */
export const layer = Layer.merge(Downloader.layerWith({ traceOrigins: ["https://api.example"] }), Metrics.layer).pipe(
  Layer.provideMerge(OriginGovernor.layer({ perOrigin: 4 }))
)

/** The spans of the downloads are below `nightly import`. */
export const nightlyImport = (requests: ReadonlyArray<Download.DownloadRequest>) =>
  Effect.flatMap(Downloader.Downloader, (downloader) =>
    Stream.runDrain(downloader.run(Stream.fromIterable(requests)))
  ).pipe(Effect.withSpan("nightly import"))
