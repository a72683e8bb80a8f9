import { HttpServerResponse } from "@effect/platform"
import { Effect, Schema } from "effect"
import { Downloader } from "halyard"

/** Passes a file on while it arrives. A client that goes away closes the connection to the origin. */
export const passOn = Effect.fn("passOn")(function* (url: URL, digest: string) {
  const downloader = yield* Downloader.Downloader
  return HttpServerResponse.stream(downloader.stream({ url, digest }))
})

const Index = Schema.parseJson(Schema.Struct({ latest: Schema.String }))

/** Reads a small document. More than 64 KiB fail with `TooLarge`. */
export const latest = Effect.fn("latest")(function* (url: URL) {
  const downloader = yield* Downloader.Downloader
  const bytes = yield* downloader.bytes({ url, limitBytes: 64 * 1024 })
  return (yield* Schema.decode(Index)(new TextDecoder().decode(bytes))).latest
})
