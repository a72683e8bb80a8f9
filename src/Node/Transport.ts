/**
 * The transport of Node: a fast lane for what is most common, and undici for everything else.
 *
 * A connection that was read to its end is used again; all are closed with the layer.
 *
 * @since 0.2.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { AddressRefused } from "../DownloadError.js"
import { displayUrl } from "../internal/displayUrl.js"
import { Transport } from "../Transport.js"
import { publicLookup, refusedLiteral } from "./Transport/addresses.js"
import * as FastLane from "./Transport/fastLane.js"
import { place } from "./Transport/target.js"
import type * as Undici from "./Transport/undici.js"
import { sockets } from "./Transport/wire.js"

export { isPublic } from "./Transport/addresses.js"

/**
 * How connections are made.
 *
 * @category models
 * @since 0.2.0
 */
export interface Options {
  /** For a connection, TLS included. Default 10 seconds. */
  readonly connectTimeout?: Duration.DurationInput | undefined
  /**
   * Refuses loopback, link-local, private and other addresses that are not public (IANA special-purpose registries), as
   * they are connected to: for services that fetch on behalf of others. Default false.
   */
  readonly publicOnly?: boolean | undefined
  /**
   * Who speaks HTTP. `"fast"`: responses with a `Content-Length`, in chunks, or that end with their connection are read
   * directly from sockets. One whose head is of another kind (204, 304, a coding beside `chunked`, what is malformed) is
   * asked for again through undici, before anybody was given a byte of it, and so is all from that origin from then on.
   * `"undici"`: undici alone, which asks once, and takes an unasked `100 Continue` for an error. Default `"fast"`.
   */
  readonly lane?: "fast" | "undici" | undefined
}

/**
 * The transport on sockets and undici.
 *
 * @category layers
 * @since 0.2.0
 */
export const layer = (options: Options = {}): Layer.Layer<Transport> =>
  Layer.scoped(
    Transport,
    Effect.gen(function* () {
      const connectMillis = Duration.toMillis(options.connectTimeout ?? "10 seconds")
      const publicOnly = options.publicOnly === true
      const undici = yield* Effect.acquireRelease(
        Effect.sync(() => lazily({ connectMillis, publicOnly })),
        ({ destroy }) => destroy
      )
      const lane =
        options.lane === "undici"
          ? undefined
          : yield* Effect.acquireRelease(
              Effect.sync(() =>
                FastLane.make({
                  connectMillis,
                  connect: sockets({ lookup: publicOnly ? publicLookup : undefined }),
                  otherwise: undici.open
                })
              ),
              ({ close }) => close
            )
      const open = lane?.open ?? undici.open
      if (publicOnly) {
        return Transport.of({ open: (request) => Effect.zipRight(allowed(request.url), open(request)) })
      }
      return Transport.of(lane === undefined ? { open } : { open, begin: lane.begin, dispatch: lane.dispatch })
    })
  )

const allowed = (url: string): Effect.Effect<void, AddressRefused> =>
  Effect.suspend(() => {
    const address = refusedLiteral(place(url).address.hostname)
    return address === undefined ? Effect.void : new AddressRefused({ url: displayUrl(url), address })
  })

// Only in the program, whose code is one file.
declare const HALYARD_VERSION: string | undefined

// The program loads undici when it is needed first, and where all origins are plain ones it never does. A library has files
// to read for that, which may fail for want of a descriptor, and node remembers such a failure: it begins at once.
const loads: "first" | "later" = typeof HALYARD_VERSION === "string" ? "later" : "first"

const lazily = (settings: Undici.Settings) => {
  let isClosed = false
  let backend: Undici.Backend | undefined
  let loading: Promise<Undici.Backend> | undefined
  const load = () =>
    (loading ??= import("./Transport/undici.js").then(async (undici) => {
      const made = undici.make(settings)
      if (isClosed) {
        await made.destroy()
      }
      backend = made
      return made
    }))
  if (loads === "first") {
    // Where it fails, whoever needs it is told.
    load().catch(() => undefined)
  }
  const open: typeof Transport.Service.open = (request) =>
    Effect.suspend(
      () => backend?.open(request) ?? Effect.flatMap(Effect.promise(load), (loaded) => loaded.open(request))
    )
  const destroy = Effect.promise(async () => {
    isClosed = true
    const made = await loading
    await made?.destroy()
  })
  return { open, destroy }
}
