import { Effect } from "effect"
import { Download, Downloader } from "halyard"

/** Saves the file if it is missing or has changed. After an interruption, the next call continues. */
export const update = Effect.fn("update")(function* (url: string, destination: string) {
  const downloader = yield* Downloader.Downloader
  return yield* downloader.download(Download.request({ url, destination, onExists: "update", resume: true }))
})
