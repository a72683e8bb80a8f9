/**
 * Every port over the services of `@effect/platform`, so that one layer gives a host program a `Downloader` on its own
 * `HttpClient` and `FileSystem`.
 *
 * The client may add secrets to its requests, such as a bearer token. Redirects to another origin are therefore refused, unless
 * `transport.crossOrigin` names a client for them (`Transport/HttpClient`).
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
  options: Downloader.Options & { readonly transport?: HttpClientTransport.Options | undefined }
): Layer.Layer<
  Downloader.Downloader | Transport | Store,
  never,
  HttpClient.HttpClient | FileSystem.FileSystem | Path.Path
> =>
  Downloader.layerWith(options).pipe(
    Layer.provideMerge(Layer.merge(HttpClientTransport.layerWith(options.transport ?? {}), FileSystemStore.layer))
  )
