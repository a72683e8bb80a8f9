/**
 * The thread that carries transfers out, until the thread that started it closes.
 */

import * as WorkerRunner from "@effect/platform/WorkerRunner"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import * as NodeWorkerRunner from "@effect/platform-node/NodeWorkerRunner"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Downloader from "../Downloader.js"
import * as FileSystemStore from "../Store/FileSystem.js"
import * as WorkerDownloader from "../WorkerDownloader.js"
import * as Hasher from "./hasher.js"
import * as Transport from "./Transport.js"

export const serve = (options: Downloader.Options): void => {
  const runner = WorkerDownloader.layerRunner(options).pipe(
    Layer.provide(Layer.merge(Transport.layer(), FileSystemStore.layer)),
    Layer.provide(Layer.mergeAll(Hasher.layer, NodeFileSystem.layer, NodePath.layer)),
    Layer.provide(NodeWorkerRunner.layer)
  )
  Effect.runFork(WorkerRunner.launch(runner))
}
