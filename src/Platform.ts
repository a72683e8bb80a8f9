/**
 * Every port over the services of `@effect/platform`, so that one layer gives a host program a `Downloader` on its own
 * `HttpClient` and `FileSystem`.
 *
 * @since 0.1.0
 */
import type * as FileSystem from "@effect/platform/FileSystem"
import type * as HttpClient from "@effect/platform/HttpClient"
import type * as Path from "@effect/platform/Path"
import * as Layer from "effect/Layer"
import * as Downloader from "./Downloader.js"
import * as FileSystemStore from "./Store/FileSystem.js"
import type { Store } from "./Store.js"
import * as HttpClientTransport from "./Transport/HttpClient.js"
import type { Transport } from "./Transport.js"

/**
 * The downloader, with its transport over `HttpClient` and its store on `FileSystem`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<
  Downloader.Downloader | Transport | Store,
  never,
  HttpClient.HttpClient | FileSystem.FileSystem | Path.Path
> = Layer.suspend(() => layerWith({}))

/**
 * The downloader with these options, with its transport over `HttpClient` and its store on `FileSystem`.
 *
 * @category layers
 * @since 0.2.0
 */
export const layerWith = (
  options: Downloader.Options
): Layer.Layer<
  Downloader.Downloader | Transport | Store,
  never,
  HttpClient.HttpClient | FileSystem.FileSystem | Path.Path
> =>
  Downloader.layerWith(options).pipe(Layer.provideMerge(Layer.merge(HttpClientTransport.layer, FileSystemStore.layer)))
