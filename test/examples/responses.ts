import { Effect, Layer } from "effect"
import { Downloader, Progress } from "halyard"

export const logged = Progress.layer((event) => (event._tag === "Responded" ? Effect.log(event) : Effect.void))

/** A downloader that logs each response. It needs a `Transport` and a `Store`. */
export const layer = Layer.merge(Downloader.layerWith({ responses: true }), logged)
