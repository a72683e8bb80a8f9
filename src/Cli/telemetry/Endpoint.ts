/**
 * Where traces and metrics are sent.
 */

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
  /** What is not sent, and what is ignored: a sentence each. */
  readonly notices: ReadonlyArray<string>
}

/** The environment variables that name a collector. */
export const endpointVariables: ReadonlyArray<string> = [
  "OTEL_EXPORTER_OTLP_ENDPOINT",
  "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
  "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"
]
