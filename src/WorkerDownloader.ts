/**
 * A downloader whose transfers run in worker threads, over `@effect/platform`'s workers. What stands above a transfer
 * (concurrency, outcomes, events) is the same as without threads, and stays in the calling thread.
 *
 * @since 0.1.0
 */
import * as Worker from "@effect/platform/Worker"
import type { WorkerError } from "@effect/platform/WorkerError"
import * as WorkerRunner from "@effect/platform/WorkerRunner"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { Cancelled, DownloadOutcome, DownloadRequest } from "./Download.js"
import { WorkerLost } from "./DownloadError.js"
import * as Downloader from "./Downloader.js"
import { displayUrl } from "./internal/displayUrl.js"
import { settle, toExit, withRequest } from "./internal/settle.js"
import type { Transfer } from "./internal/transfer.js"
import { unchecked } from "./internal/unchecked.js"
import type { Store } from "./Store.js"
import type { Transport } from "./Transport.js"

/** Carry this request out, and say what became of it. */
class Carry extends Schema.TaggedRequest<Carry>("halyard/WorkerDownloader/Carry")("Carry", {
  failure: Schema.Never,
  success: DownloadOutcome,
  payload: { id: Schema.Number, request: DownloadRequest }
}) {}

/** Give a request up, if it is here and still can be; its `Carry` is answered all the same. */
class GiveUp extends Schema.TaggedRequest<GiveUp>("halyard/WorkerDownloader/GiveUp")("GiveUp", {
  failure: Schema.Never,
  success: Schema.Void,
  payload: { id: Schema.Number }
}) {}

const Message = Schema.Union(Carry, GiveUp)

type Message = typeof Message.Type

/**
 * A downloader over `threads` worker threads, which share up to `concurrency` transfers evenly. The threads end with
 * the layer. Each must run `layerRunner`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: {
  readonly threads: number
  readonly concurrency: number
}): Layer.Layer<Downloader.Downloader, WorkerError, Worker.WorkerManager | Worker.Spawner> =>
  Layer.scoped(
    Downloader.Downloader,
    Effect.flatMap(
      Worker.makePoolSerialized<Message>({
        size: options.threads,
        concurrency: Math.ceil(options.concurrency / options.threads)
      }),
      (pool) => Downloader.fromTransfer(transferOver(pool))
    )
  )

/**
 * What runs in a worker thread: it carries out what the calling thread asks for, over the transport and the store in the
 * context. Retries and the limits of an `OriginGovernor` are each thread's own; what a transfer tells before its outcome
 * stays in the thread.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerRunner = (
  options?: Downloader.Options
): Layer.Layer<never, WorkerError, WorkerRunner.PlatformRunner | Transport | Store> =>
  Layer.unwrapScoped(
    Effect.map(Downloader.makeTransferWith(options), (transfer) => {
      const underway = new Map<number, Fiber.RuntimeFiber<DownloadOutcome>>()
      // Given up before they began.
      const givenUp = new Set<number>()
      const carry = (id: number, request: DownloadRequest) =>
        Effect.acquireUseRelease(
          // The fiber is uninterruptible but for the transfer in it, so that giving up has an outcome too.
          Effect.tap(Effect.fork(settle(transfer, request, Effect.interruptible)), (fiber) =>
            Effect.sync(() => underway.set(id, fiber))
          ),
          (fiber) => Fiber.join(fiber),
          () => Effect.sync(() => underway.delete(id))
        )
      return WorkerRunner.layerSerialized(Message, {
        Carry: ({ id, request }) =>
          Effect.suspend(() =>
            givenUp.delete(id) ? Effect.succeed(new Cancelled({ request }, unchecked)) : carry(id, request)
          ),
        GiveUp: ({ id }) =>
          Effect.suspend(() => {
            const fiber = underway.get(id)
            if (fiber === undefined) {
              givenUp.add(id)
              return Effect.void
            }
            return Effect.fiberIdWith((self) => Fiber.interruptAsFork(fiber, self))
          })
      })
    })
  )

/**
 * A transfer that asks a worker. The worker decides the outcome: an interruption asks it to give up, and then waits for
 * what it says, because by then the file may stand there.
 */
const transferOver = (pool: Worker.SerializedWorkerPool<Message>): Transfer => {
  let nextId = 0
  return (request, { decide }) =>
    Effect.scoped(
      Effect.uninterruptibleMask((restore) =>
        Effect.gen(function* () {
          const worker = yield* restore(pool.backing.get)
          const id = nextId++
          const carrying = yield* Effect.fork(worker.executeEffect(new Carry({ id, request })))
          yield* restore(Fiber.await(carrying)).pipe(
            Effect.onInterrupt(() => Effect.ignore(worker.executeEffect(new GiveUp({ id })))),
            Effect.exit
          )
          const outcome = withRequest(request, yield* Fiber.join(carrying))
          if (outcome._tag === "Saved" || outcome._tag === "Skipped") {
            decide(outcome)
          }
          return outcome
        })
      )
    ).pipe(
      Effect.catchAll(() => new WorkerLost({ url: displayUrl(request.url) })),
      Effect.flatMap(toExit)
    )
}
