/**
 * The thread that carries transfers out, until the thread that started it closes.
 */

import * as WorkerRunner from "@effect/platform/WorkerRunner"
import * as NodeWorkerRunner from "@effect/platform-node/NodeWorkerRunner"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Downloader from "../Downloader.js"
import * as WorkerDownloader from "../WorkerDownloader.js"
import * as Hasher from "./hasher.js"
import * as Store from "./Store.js"
import * as Transport from "./Transport.js"

export const serve = (options: Downloader.Options): void => {
  const runner = WorkerDownloader.layerRunner(options).pipe(
    Layer.provide(Layer.merge(Transport.layer(), Store.layer)),
    Layer.provide(Hasher.layer),
    Layer.provide(NodeWorkerRunner.layer)
  )
  Effect.runFork(WorkerRunner.launch(runner))
}
