/**
 * The downloader of a command: in the program's main thread, in worker threads, or in those where they gain.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Downloader from "../Downloader.js"
import type { Store } from "../Store.js"
import { Host } from "./Host.js"

export type Threads = number | "auto"

/** `threads` are further ones; 0 is the main thread alone. */
export const layer = (
  threads: Threads,
  options: Downloader.Options & { readonly publicOnly?: boolean | undefined }
): Layer.Layer<Downloader.Downloader, never, Host | Store> =>
  Layer.unwrapEffect(
    Effect.gen(function* () {
      const host = yield* Host
      const transport = host.transport(options)
      if (threads === 0) {
        return Downloader.layerWith(options).pipe(Layer.provide(transport))
      }
      const WorkerDownloader = yield* Effect.promise(() => import("../WorkerDownloader.js"))
      return threads === "auto"
        ? WorkerDownloader.layerAuto(options).pipe(Layer.provide(transport), Layer.provide(host.threads(options)))
        : WorkerDownloader.layer({ ...options, threads }).pipe(Layer.provide(host.threads(options)))
    })
  )
