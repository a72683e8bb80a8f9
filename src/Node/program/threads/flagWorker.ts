/**
 * A worker thread of `flags --engine threads`: it fetches one flag at a time until the program closes it.
 */
import * as WorkerRunner from "@effect/platform/WorkerRunner"
import * as NodeWorkerRunner from "@effect/platform-node/NodeWorkerRunner"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { Message } from "../../../Cli/Flags/FlagWorker.js"
import { Cancelled, type DownloadOutcome, Failed } from "../../../Download.js"
import * as Downloader from "../../../Downloader.js"
import * as Flags from "../../../Flags.js"
import * as RetryPolicy from "../../../RetryPolicy.js"
import * as Hasher from "../../hasher.js"
import * as Store from "../../Store.js"
import * as Transport from "../../Transport.js"

const runner = Layer.unwrapScoped(
  Effect.gen(function* () {
    const downloader = yield* Downloader.Downloader
    const scope = yield* Effect.scope
    let inFlight: Option.Option<Fiber.Fiber<DownloadOutcome>> = Option.none()
    return WorkerRunner.layerSerialized(Message, {
      FetchFlag: ({ code, ...options }) => {
        const request = Flags.request(code, options)
        return downloader.download(request).pipe(
          Effect.catchAll((error) => Effect.succeed(new Failed({ request, error }))),
          Effect.forkIn(scope),
          Effect.tap((fiber) =>
            Effect.sync(() => {
              inFlight = Option.some(fiber)
            })
          ),
          Effect.flatMap(Fiber.await),
          Effect.flatMap((exit) =>
            Exit.isInterrupted(exit) ? Effect.succeed<DownloadOutcome>(new Cancelled({ request })) : exit
          )
        )
      },
      Cancel: () => Effect.suspend(() => (Option.isSome(inFlight) ? Fiber.interrupt(inFlight.value) : Effect.void))
    })
  })
).pipe(
  Layer.provide(Downloader.layerWith({ retry: RetryPolicy.none, adaptive: false })),
  Layer.provide(Layer.mergeAll(Transport.layer(), Store.layer, Hasher.layer, NodeWorkerRunner.layer))
)

/** Serves until the program closes this thread. */
export const serve = (): void => {
  // In a worker thread, `process.exit` ends only the thread.
  Effect.runFork(WorkerRunner.launch(runner)).addObserver(() => process.exit())
}
