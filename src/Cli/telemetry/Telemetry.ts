/**
 * What a command does for traces and metrics.
 */
import type * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type { OriginGovernor } from "../../OriginGovernor.js"
import type { Progress } from "../../Progress.js"
import type { Store } from "../../Store.js"
import type { Host } from "../Host.js"

/** The options of the command that concern its traces and metrics. */
export interface Options {
  readonly otlp: string | undefined
  readonly traceOrigin: ReadonlyArray<string>
  readonly verbose: boolean
  readonly proxy?: string | undefined
  readonly noProxy?: string | undefined
}

export interface Telemetry {
  /** Runs the downloads of a command, and sends their spans. */
  readonly withSpans: <A, E>(run: Effect.Effect<A, E, Host | Store>) => Effect.Effect<A, E, Host | Store>
  /** The same listener of the downloads, which also updates the metrics if they are sent. */
  readonly withMetrics: (listener: Layer.Layer<Progress>) => Layer.Layer<Progress, never, OriginGovernor>
}

/** For a command that sends nothing. */
export const none: Telemetry = { withSpans: (run) => run, withMetrics: (listener) => listener }

/** For `--trace-origin` without traces. */
export const noTraceparent =
  "no server gets traceparent: --trace-origin needs a collector of traces, such as that of --otlp URL"
