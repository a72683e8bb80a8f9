/**
 * Layers of a `Downloader` on the `HttpClient` and the `FileSystem` of a host program.
 *
 * The client may add secrets to its requests, such as a bearer token. The downloader therefore refuses redirects to another origin,
 * unless the option `transport.crossOrigin` has a client for them (`HttpClientTransport`).
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
 * A downloader with the default options.
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
 * A downloader with these options.
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
