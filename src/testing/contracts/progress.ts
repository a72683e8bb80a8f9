/**
 * The contract of `Progress`.
 *
 * @since 0.2.0
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Download from "../../Download.js"
import * as DownloadError from "../../DownloadError.js"
import { Advanced, type DownloadEvent, Finished, Retrying, Started } from "../../DownloadEvent.js"
import { Progress } from "../../Progress.js"
import { type Case, ContractBroken, expect } from "./Case.js"

const someRequest = Download.request({ id: "a", url: "http://origin.test/a?token=s3cret", destination: "a" })

const someEvents: ReadonlyArray<DownloadEvent> = [
  new Started({ request: someRequest, atMillis: 0 }),
  new Advanced({ request: someRequest, atMillis: 200, bytes: 1, totalBytes: undefined, connections: 1 }),
  new Retrying({
    request: someRequest,
    atMillis: 300,
    error: new DownloadError.HttpStatus({ url: "http://origin.test/a", status: 503 }),
    attempt: 1,
    delayMillis: 500
  }),
  new Finished({
    atMillis: 900,
    outcome: new Download.Saved({
      request: someRequest,
      destination: someRequest.destination,
      bytes: 1,
      verified: "length",
      attempts: 2,
      url: someRequest.url,
      status: 200
    })
  })
]

// Ends a check whose listener never ends. It does not limit how slow a listener may be.
const limit = "30 seconds"

const takes = (one: DownloadEvent) =>
  Effect.flatMap(Progress, ({ event }) =>
    Effect.exit(
      Effect.timeoutFail(
        Effect.suspend(() => event(one)),
        {
          duration: limit,
          onTimeout: () =>
            new ContractBroken({
              expected: `the effect of the event ${one._tag} to end`,
              actual: `an effect that still runs after ${limit}`
            })
        }
      )
    ).pipe(
      Effect.flatMap((exit) =>
        Exit.isSuccess(exit)
          ? Effect.void
          : Option.match(Cause.failureOption(exit.cause), {
              onNone: () => expect(false, `the effect of the event ${one._tag} to succeed`, Cause.pretty(exit.cause)),
              onSome: Effect.fail
            })
      )
    )
  )

/**
 * The contract of `Progress`: `event` takes every event, one after the other or at the same time. Its effect does not fail, and
 * ends.
 *
 * @category contracts
 * @since 0.2.0
 */
export const progress = (layer: Layer.Layer<Progress>): ReadonlyArray<Case> => [
  {
    title: "takes every kind of event",
    check: Effect.provide(Effect.forEach(someEvents, takes, { discard: true }), Layer.fresh(layer))
  },
  {
    title: "takes the events of many transfers at the same time",
    check: Effect.provide(
      Effect.forEach(Array.from({ length: 50 }), () => Effect.forEach(someEvents, takes, { discard: true }), {
        concurrency: "unbounded",
        discard: true
      }),
      Layer.fresh(layer)
    )
  }
]
