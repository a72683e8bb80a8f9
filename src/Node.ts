/**
 * Layers for Node, which need no other services. This is the only entry point that needs `@effect/platform-node`.
 *
 * @since 0.1.0
 */
import type { PlatformError } from "@effect/platform/Error"
import type { ServeError } from "@effect/platform/HttpServerError"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as Layer from "effect/Layer"
import * as Downloader from "./Downloader.js"
import * as FlagServer from "./FlagServer.js"
import type { Journal, SavedNames } from "./Journal.js"
import * as FlagsDirectory from "./Node/flagsDirectory.js"
import * as HttpServer from "./Node/HttpServer.js"
import * as Hasher from "./Node/hasher.js"
import * as NodeJournal from "./Node/Journal.js"
import * as NodeScreen from "./Node/Screen.js"
import * as NodeStore from "./Node/Store.js"
import * as NodeTransport from "./Node/Transport.js"
import type { Progress } from "./Progress.js"
import * as Spinner from "./Spinner.js"
import type { StatusLine } from "./StatusLine.js"
import type { Store } from "./Store.js"
import * as TerminalProgress from "./TerminalProgress.js"
import type { Transport } from "./Transport.js"

/**
 * A downloader on sockets and on the file system. Closing the layer closes the connections.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<Downloader.Downloader | Transport | Store> = Layer.suspend(() => layerWith({}))

/**
 * A downloader with these options, on sockets and on the file system. Closing the layer closes the connections. With
 * `transport.publicOnly`, the default of `limitBytes` is `publicLimitBytes`.
 *
 * @category layers
 * @since 0.2.0
 */
export const layerWith = (
  options: Downloader.Options & { readonly transport?: NodeTransport.Options | undefined }
): Layer.Layer<Downloader.Downloader | Transport | Store> =>
  Downloader.layerWith({
    ...options,
    limitBytes: options.limitBytes ?? (options.transport?.publicOnly === true ? publicLimitBytes : undefined)
  }).pipe(
    Layer.provideMerge(Layer.merge(NodeTransport.layer(options.transport), NodeStore.layer)),
    Layer.provide(Hasher.layer)
  )

/**
 * The default of `limitBytes` with `transport.publicOnly`: 100 MiB. Users of such a service choose the URLs, and a hostile server
 * may send an endless body.
 *
 * @category constructors
 * @since 0.2.0
 */
export const publicLimitBytes: number = 100 * 1024 * 1024

/**
 * A downloader for a service whose users choose the URLs. It connects to public addresses only, and the default of `limitBytes` is
 * `publicLimitBytes`.
 *
 * @category layers
 * @since 0.2.0
 */
export const layerPublicOnly: Layer.Layer<Downloader.Downloader | Transport | Store> = Layer.suspend(() =>
  layerWith({ transport: { publicOnly: true } })
)

/**
 * A journal with a state file, `.halyard.ndjson`, in each directory: a later run with `onExists: "update"` finds what was saved.
 * `Node/Journal` says more.
 *
 * @category layers
 * @since 0.2.0
 */
export const layerJournal: Layer.Layer<Journal | SavedNames> = NodeJournal.layer

/**
 * A spinner on standard error.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerSpinner: Layer.Layer<Spinner.Spinner | StatusLine> = Spinner.layer.pipe(
  Layer.provide(NodeScreen.layer)
)

/**
 * Draws the progress of downloads on standard error.
 *
 * @category layers
 * @since 0.2.0
 */
export const layerTerminalProgress = (options?: TerminalProgress.Options): Layer.Layer<Progress> =>
  TerminalProgress.layer(options).pipe(Layer.provide(NodeScreen.layer))

/**
 * Returns the directory of the flags of this package. Its files are `{cc}.gif`.
 *
 * @category flags
 * @since 0.1.0
 */
export const flagsDirectory: () => string = FlagsDirectory.flagsDirectory

/**
 * A flag server. Default: the flags of this package, on a free port of the loopback interface.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerFlagServer = (
  options?: Partial<FlagServer.Options> & {
    readonly hostname?: string | undefined
    readonly port?: number | undefined
  }
): Layer.Layer<FlagServer.FlagServer, ServeError | PlatformError> =>
  Layer.suspend(() =>
    FlagServer.layer({ ...options, directory: options?.directory ?? flagsDirectory() }).pipe(
      Layer.provide(HttpServer.layer({ hostname: options?.hostname ?? "127.0.0.1", port: options?.port ?? 0 })),
      Layer.provide(NodeFileSystem.layer)
    )
  )
