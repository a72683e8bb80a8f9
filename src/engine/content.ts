/**
 * Transfers whose content goes to the caller and not to a file.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Download from "../Download.js"
import type { DownloadError } from "../DownloadError.js"
import * as Printable from "../internal/text/printable.js"
import { ContentQueue } from "../Store/contentQueue.js"
import { InMemory } from "../Store/memory/inMemory.js"
import * as Sequential from "../Store/sequential.js"
import type { Content } from "./hooks.js"
import { toExit } from "./outcome.js"

/** The request has a destination for events and errors. Nothing is written there. */
export const requestOf = (
  options: Omit<Download.RequestOptions, "destination" | "nameFrom" | "onExists" | "resume">
): Download.DownloadRequest =>
  Download.request({ ...options, destination: "-", onExists: "overwrite", nameFrom: "url", resume: false })

/** Transfers the content of one request. Run it uninterruptible. */
export type Perform = (content: Content) => Effect.Effect<Download.DownloadOutcome>

/** The content as it arrives. The transfer begins when the stream is run, and ends with it. */
export const stream = (perform: Effect.Effect<Perform>, scope: Scope.Scope): Stream.Stream<Uint8Array, DownloadError> =>
  Stream.unwrapScoped(
    Effect.uninterruptible(
      Effect.gen(function* () {
        const queue = new ContentQueue<DownloadError>()
        const store = Sequential.make(() => Exit.succeed(queue), Printable.line)
        const transfer = (yield* perform)({ store, sink: queue })
        const fiber = yield* Effect.forkIn(Effect.flatMap(transfer, toExit), scope)
        fiber.addObserver((exit) => queue.finish(Exit.asVoid(exit)))
        yield* Effect.addFinalizer(() => Fiber.interrupt(fiber))
        return queue.stream
      })
    )
  )

/** The whole content in memory. */
export const bytes = (perform: Effect.Effect<Perform>, scope: Scope.Scope): Effect.Effect<Uint8Array, DownloadError> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const memory = new InMemory()
      const transfer = (yield* perform)({ store: memory.store })
      const fiber = yield* Effect.forkIn(Effect.flatMap(transfer, toExit), scope)
      const exit = yield* Effect.onInterrupt(restore(Fiber.await(fiber)), () => Fiber.interrupt(fiber))
      return yield* Exit.map(exit, () => memory.bytes)
    })
  )
