/**
 * The thread that carries transfers out, until the thread that started it closes.
 */

import * as WorkerRunner from "@effect/platform/WorkerRunner"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as NodePath from "@effect/platform-node/NodePath"
import * as NodeWorkerRunner from "@effect/platform-node/NodeWorkerRunner"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Platform from "../Platform.js"
import * as WorkerDownloader from "../WorkerDownloader.js"

export const serve = (): void => {
  const runner = WorkerDownloader.layerRunner.pipe(
    Layer.provide(Platform.layer),
    Layer.provide(Layer.mergeAll(NodeHttpClient.layerUndici, NodeFileSystem.layer, NodePath.layer)),
    Layer.provide(NodeWorkerRunner.layer)
  )
  Effect.runFork(WorkerRunner.launch(runner))
}
