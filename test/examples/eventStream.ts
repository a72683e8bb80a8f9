import { HttpServerResponse } from "@effect/platform"
import { Effect, Schema, Stream } from "effect"
import { type Download, DownloadEvent, Downloader, Progress } from "halyard"

const encode = Schema.encodeSync(Schema.parseJson(DownloadEvent.DownloadEvent))

/** Downloads a file, and answers with its events as server-sent events. A client that goes away cancels the download. */
export const eventStream = Effect.fn("eventStream")(function* (request: Download.DownloadRequest) {
  const downloader = yield* Downloader.Downloader
  const events = Progress.stream(downloader.download(request)).pipe(
    // The event `Finished` has the error.
    Stream.catchAll(() => Stream.empty),
    Stream.map((event) => `event: ${event._tag}\ndata: ${encode(event)}\n\n`),
    Stream.encodeText
  )
  return HttpServerResponse.stream(events, { contentType: "text/event-stream" })
})
