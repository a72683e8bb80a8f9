/**
 * What a command does for traces and metrics.
 */
import type * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type { OriginGovernor } from "../../OriginGovernor.js"
import type { Progress } from "../../Progress.js"

/** The options of the command that concern its traces and metrics. */
export interface Options {
  readonly otlp: string | undefined
  readonly verbose: boolean
  readonly proxy?: string | undefined
  readonly noProxy?: string | undefined
}

export interface Telemetry {
  /** Runs the downloads of a command with their spans. */
  readonly traced: <A, E, R>(run: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  /** The listener of the downloads, which also counts if metrics are sent. */
  readonly counted: (listener: Layer.Layer<Progress>) => Layer.Layer<Progress, never, OriginGovernor>
}

/** For a command that sends nothing. */
export const none: Telemetry = { traced: (run) => run, counted: (listener) => listener }

/** The address of one signal at a collector. */
export interface Endpoint {
  /** Without credentials. */
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly timeoutMillis: number
}

/** Where traces and metrics are sent. */
export interface Settings {
  readonly traces: Endpoint | undefined
  readonly metrics: Endpoint | undefined
  /** The attributes of the process, `service.name` among them. */
  readonly resource: Readonly<Record<string, string>>
  /** For people: where the endpoints come from. */
  readonly from: string
  /** What cannot be used, a sentence each. */
  readonly notices: ReadonlyArray<string>
}

/** The environment variables that name a collector. */
export const endpointVariables: ReadonlyArray<string> = [
  "OTEL_EXPORTER_OTLP_ENDPOINT",
  "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
  "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"
]
