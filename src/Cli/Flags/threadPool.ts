/**
 * The thread pool of the chapter: worker threads, each of which downloads one flag at a time.
 */
import * as Worker from "@effect/platform/Worker"
import * as Array from "effect/Array"
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { type DownloadOutcome, type DownloadRequest, Failed } from "../../Download.js"
import { Disk } from "../../DownloadError.js"
import { type DownloadEvent, Finished, Started } from "../../DownloadEvent.js"
import { withRequest } from "../../engine/outcome.js"
import { Cancel, FetchFlag, type Message } from "./FlagWorker.js"

export interface Options {
  readonly threads: number
  readonly baseUrl: string
  readonly directory: string
  readonly timeout: Duration.Duration
  readonly onEvent: (event: DownloadEvent) => Effect.Effect<void>
}

/**
 * Fetches flags in `threads` worker threads, which end with the effect. An interruption cancels the flags in flight. Each
 * of these flags still has an outcome.
 */
export const fetchAll = Effect.fn("flags.threadPool")(function* (
  requests: ReadonlyArray<DownloadRequest>,
  options: Options
) {
  const queue = requests.values()
  // A thread cannot be interrupted until it has compiled the program, so only a few start at the same time.
  const starts = yield* Effect.makeSemaphore(4)

  const fetch = (worker: Worker.SerializedWorker<Message>, request: DownloadRequest): Effect.Effect<void> =>
    Effect.uninterruptibleMask((restore) =>
      Effect.gen(function* () {
        yield* options.onEvent(new Started({ request, atMillis: yield* Clock.currentTimeMillis }))
        const answer = yield* Effect.fork(worker.executeEffect(new FetchFlag({ ...options, code: request.id })))
        // The thread decides the outcome: it may have published the file before the interruption arrives.
        const outcome = yield* restore(Fiber.join(answer)).pipe(
          Effect.onInterrupt(() => Effect.ignore(worker.executeEffect(new Cancel()))),
          Effect.catchAllCause(() => Fiber.join(answer)),
          Effect.orDie
        )
        yield* options.onEvent(
          new Finished({
            atMillis: yield* Clock.currentTimeMillis,
            outcome: withRequest(request, withPath(request, outcome))
          })
        )
      })
    )

  const work = Effect.gen(function* () {
    const worker = yield* starts.withPermits(1)(Effect.orDie(Worker.makeSerialized<Message>({})))
    for (let next = queue.next(); next.done !== true; next = queue.next()) {
      yield* fetch(worker, next.value)
    }
  }).pipe(Effect.scoped)

  yield* Effect.forEach(Array.range(1, options.threads), () => work, { concurrency: "unbounded", discard: true })
})

/** The encoded form of an error has no directories. */
const withPath = (request: DownloadRequest, outcome: DownloadOutcome): DownloadOutcome =>
  outcome._tag === "Failed" && outcome.error._tag === "Disk"
    ? new Failed({ request, error: new Disk({ ...outcome.error, path: request.destination }) })
    : outcome
