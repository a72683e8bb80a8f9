/**
 * The thread that carries transfers out, until the thread that started it has it end.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as WorkerDownloader from "../WorkerDownloader.js"
import * as Hasher from "./hasher.js"
import * as Store from "./Store.js"
import * as Threads from "./Threads.js"
import * as Transport from "./Transport.js"

export const serve = (options: { readonly publicOnly: boolean }): void => {
  const runner = WorkerDownloader.layerRunner.pipe(
    Layer.provide(Layer.merge(Transport.layer(options), Store.layer)),
    Layer.provide(Hasher.layer),
    Layer.provide(Threads.layerCaller(() => fiber.unsafeInterruptAsFork(fiber.id())))
  )
  const fiber = Effect.runFork(Layer.launch(runner))
  // The connections are closed by now. Of a thread this ends no more than the thread.
  fiber.addObserver(() => process.exit())
}
