/**
 * A collector of OpenTelemetry on the loopback interface, which receives OTLP as JSON.
 */
import type { IncomingHttpHeaders, ServerResponse } from "node:http"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { http, type Origin } from "./loopback.js"

const Attributes = Schema.transform(
  Schema.Array(
    Schema.Struct({ key: Schema.String, value: Schema.Record({ key: Schema.String, value: Schema.Unknown }) })
  ),
  Schema.Record({ key: Schema.String, value: Schema.Unknown }),
  {
    strict: true,
    decode: (list) => Object.fromEntries(list.map(({ key, value }) => [key, Object.values(value)[0]])),
    encode: () => []
  }
)

const Span = Schema.Struct({
  traceId: Schema.String,
  spanId: Schema.String,
  parentSpanId: Schema.optional(Schema.String),
  name: Schema.String,
  kind: Schema.Number,
  startTimeUnixNano: Schema.NumberFromString,
  endTimeUnixNano: Schema.NumberFromString,
  attributes: Attributes,
  events: Schema.Array(Schema.Struct({ name: Schema.String, attributes: Attributes })),
  status: Schema.Struct({ code: Schema.optional(Schema.Number), message: Schema.optional(Schema.String) })
})

export type Span = typeof Span.Type

const Resource = Schema.Struct({ attributes: Attributes })

const Traces = Schema.Struct({
  resourceSpans: Schema.Array(
    Schema.Struct({ resource: Resource, scopeSpans: Schema.Array(Schema.Struct({ spans: Schema.Array(Span) })) })
  )
})

const Points = Schema.Struct({
  dataPoints: Schema.Array(
    Schema.Struct({
      attributes: Attributes,
      asDouble: Schema.optional(Schema.Number),
      count: Schema.optional(Schema.Number),
      sum: Schema.optional(Schema.Number)
    })
  )
})

const Metric = Schema.Struct({
  name: Schema.String,
  unit: Schema.String,
  sum: Schema.optional(Points),
  gauge: Schema.optional(Points),
  histogram: Schema.optional(Points)
})

const Metrics = Schema.Struct({
  resourceMetrics: Schema.Array(
    Schema.Struct({ resource: Resource, scopeMetrics: Schema.Array(Schema.Struct({ metrics: Schema.Array(Metric) })) })
  )
})

export interface Collector extends Origin {
  /** The requests so far, oldest first. */
  readonly requests: ReadonlyArray<{
    readonly path: string
    readonly headers: IncomingHttpHeaders
    readonly body: string
  }>
  readonly spans: () => ReadonlyArray<Span>
  readonly resources: () => ReadonlyArray<Readonly<Record<string, unknown>>>
  /** The last points of each metric: its unit, and for each point its attributes and its value or count. */
  readonly metrics: () => ReadonlyMap<
    string,
    { readonly unit: string; readonly points: ReadonlyArray<readonly [Readonly<Record<string, unknown>>, number]> }
  >
}

/** `answer` ends the response. Default: 200. */
export const collector = (
  answer: (response: ServerResponse) => void = (response) => response.end("{}")
): Effect.Effect<Collector, never, Scope.Scope> => {
  const requests: Array<Collector["requests"][number]> = []
  const bodies = <A, I>(schema: Schema.Schema<A, I>, ending: string) =>
    requests
      .filter(({ path }) => path.endsWith(ending))
      .map(({ body }) => Schema.decodeUnknownSync(Schema.parseJson(schema))(body))
  const traces = () => bodies(Traces, "traces").flatMap(({ resourceSpans }) => resourceSpans)
  const metrics = () => bodies(Metrics, "metrics").flatMap(({ resourceMetrics }) => resourceMetrics)
  return Effect.map(
    http((request, response) => {
      let body = ""
      request.on("data", (chunk) => {
        body += chunk
      })
      request.on("end", () => {
        requests.push({ path: request.url ?? "", headers: request.headers, body })
        answer(response)
      })
    }),
    (origin) => ({
      ...origin,
      requests,
      spans: () => traces().flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)),
      resources: () => [...traces(), ...metrics()].map(({ resource }) => resource.attributes),
      metrics: () =>
        new Map(
          metrics()
            .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics))
            .map(({ gauge, histogram, name, sum, unit }) => [
              name,
              {
                unit,
                points:
                  (sum ?? gauge ?? histogram)?.dataPoints.map(
                    ({ asDouble, attributes, count }) => [attributes, asDouble ?? count ?? Number.NaN] as const
                  ) ?? []
              }
            ])
        )
    })
  )
}
