/**
 * What every `Progress` keeps to.
 *
 * @since 0.2.0
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Download from "../../Download.js"
import * as DownloadError from "../../DownloadError.js"
import { Advanced, type DownloadEvent, Finished, Retrying, Started } from "../../DownloadEvent.js"
import { Progress } from "../../Progress.js"
import type { Case } from "./Case.js"

const someRequest = Download.request({ id: "a", url: "http://origin.test/a?token=s3cret", destination: "a" })

const someEvents: ReadonlyArray<DownloadEvent> = [
  new Started({ request: someRequest }),
  new Advanced({ request: someRequest, bytes: 1, totalBytes: undefined }),
  new Retrying({
    request: someRequest,
    error: new DownloadError.HttpStatus({ url: "http://origin.test/a", status: 503 }),
    attempt: 1,
    delayMillis: 500
  }),
  new Finished({
    outcome: new Download.Saved({
      request: someRequest,
      destination: someRequest.destination,
      bytes: 1,
      verified: "length",
      attempts: 2
    })
  })
]

/**
 * The contract of `Progress`: it takes every event, one after the other or at the same time, and neither fails nor waits
 * for good.
 *
 * @category contracts
 * @since 0.2.0
 */
export const progress = (layer: Layer.Layer<Progress>): ReadonlyArray<Case> => [
  {
    title: "takes every kind of event",
    check: Effect.provide(
      Effect.flatMap(Progress, ({ event }) => Effect.forEach(someEvents, event, { discard: true })),
      Layer.fresh(layer)
    )
  },
  {
    title: "takes events of many transfers at a time",
    check: Effect.provide(
      Effect.flatMap(Progress, ({ event }) =>
        Effect.forEach(Array.from({ length: 50 }), () => Effect.forEach(someEvents, event, { discard: true }), {
          concurrency: "unbounded",
          discard: true
        })
      ),
      Layer.fresh(layer)
    )
  }
]
