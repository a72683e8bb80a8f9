/**
 * The options of a downloader, and their defaults.
 */
import type * as Config from "effect/Config"
import * as Duration from "effect/Duration"
import { optionsConfig } from "../engine/optionsConfig.js"
import type * as OriginGovernor from "../OriginGovernor.js"
import type * as RetryPolicy from "../RetryPolicy.js"
import type { Durability } from "../Store.js"

/**
 * Options of a downloader. The limits of `OriginGovernor.Options` apply only if there is no `OriginGovernor` in the context.
 *
 * @category models
 * @since 0.2.0
 */
export interface Options extends OriginGovernor.Options {
  /** Options that are left out are as in `RetryPolicy.defaults`. */
  readonly retry?: RetryPolicy.Options | undefined
  /** Maximum time for a new connection. Default: the transport's own limit. A request can override this and the next two. */
  readonly connectTimeout?: Duration.DurationInput | undefined
  /**
   * Maximum time to connect, send a request and receive the headers of the response. Default: 5 minutes. If this limit, `connectTimeout` or `stall` ends an attempt, the next attempt has twice that time.
   */
  readonly headersTimeout?: Duration.DurationInput | undefined
  /**
   * Ends an attempt that receives fewer than `bytes` in the time `within`. A stall is detected up to a quarter of that time
   * later. Default: 1 byte in 1 minute.
   */
  readonly stall?: { readonly bytes: number; readonly within: Duration.DurationInput } | undefined
  /** If true, `Progress` also receives the event `Responded` for each response. Default: false. */
  readonly responses?: boolean | undefined
  /**
   * If false, `Progress` does not receive the event `Exchanged`, and small files take about 3 % less CPU time. `Metrics` and `RunRecord`
   * need the event. Default: true.
   */
  readonly exchanges?: boolean | undefined
  /** What a saved file survives. Default: `full`. */
  readonly durability?: Durability | undefined
  /** If true, a saved file gets the modification time that the response's `Last-Modified` has. Default: true. */
  readonly mtime?: boolean | undefined
  /** If true, content with neither a length nor a digest fails. Default: false, and `Saved.verified` is then `none`. */
  readonly strict?: boolean | undefined
  /**
   * Maximum size of the content, in bytes, for requests without their own `limitBytes`. Default: `Infinity`. A larger file
   * fails with `TooLarge`, before its body is read if the response announces the length.
   */
  readonly limitBytes?: number | undefined
  /**
   * The value of the header `User-Agent`, for each request and after each redirect. A request can have its own, among its
   * `headers`. Default: `halyard`.
   */
  readonly userAgent?: string | undefined
  /**
   * URLs whose origins get the header `traceparent` (W3C Trace Context) with their requests, if the calling program has a tracer. Other
   * origins do not get it, not even after a redirect. A `traceparent` among the `headers` of a request takes its place. Default: none.
   */
  readonly traceOrigins?: ReadonlyArray<string> | undefined
  /**
   * Maximum number of connections for one file, at least 1. Default: 1. More connections are opened if the rest of a file
   * would take more than a second, if each share has at least 1 MiB, and if the server supports ranges and can show that
   * they belong to the same version. Each connection needs a permit. It takes a permit only if no other transfer waits for
   * it, and releases the permit when another transfer does. They go to the URL and to the `mirrors` of the request.
   */
  readonly segments?: number | undefined
}

/**
 * The default options.
 *
 * @category constructors
 * @since 0.1.0
 */
export const defaults: {
  /** Transfers of one run at a time. */
  readonly concurrency: number
  readonly headersTimeout: Duration.Duration
  readonly stall: { readonly bytes: number; readonly within: Duration.Duration }
  readonly durability: Durability
  readonly userAgent: string
} = {
  concurrency: 5,
  headersTimeout: Duration.minutes(5),
  stall: { bytes: 1, within: Duration.minutes(1) },
  durability: "full",
  userAgent: "halyard"
}

/**
 * The options from a `Config`, under their own names: `concurrency`, `stall.within`, `retry.retries`. A duration is text such as
 * `5 seconds`. Use `Config.nested` to read them below another name.
 *
 * @category config
 * @since 0.2.0
 */
export const config: Config.Config<Options> = optionsConfig(defaults)
