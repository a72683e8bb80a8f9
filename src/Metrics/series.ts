/**
 * The metrics of downloads, each with its unit, and the tags of their series.
 *
 * @since 0.2.0
 */
import * as Metric from "effect/Metric"
import * as MetricBoundaries from "effect/MetricBoundaries"
import * as MetricKey from "effect/MetricKey"
import * as MetricLabel from "effect/MetricLabel"
import type { DownloadOutcome } from "../Download.js"

/**
 * The tags of the metrics of an origin. For an origin without metrics of its own: the address `other`, and no port.
 *
 * @category models
 * @since 0.2.0
 */
export interface OriginTags {
  readonly "server.address": string
  readonly "server.port"?: string | undefined
}

/**
 * The tags of outcomes. `error.type` of what has failed is a status such as `503`, or the tag of an error.
 *
 * @category models
 * @since 0.2.0
 */
export interface OutcomeTags {
  readonly "halyard.outcome": DownloadOutcome["_tag"]
  readonly "error.type"?: string | undefined
}

/**
 * The tags of retries.
 *
 * @category models
 * @since 0.2.0
 */
export interface RetryTags {
  readonly "error.type": string
}

/**
 * The tags of HTTP requests. The method is `_OTHER` if the conventions of OpenTelemetry do not know it.
 *
 * @category models
 * @since 0.2.0
 */
export interface RequestTags extends OriginTags {
  readonly "http.request.method": string
  readonly "http.response.status_code"?: string | undefined
  readonly "error.type"?: string | undefined
}

export type Counter = Metric.Metric.Counter<number>

type Gauge = Metric.Metric.Gauge<number>

export type Histogram = Metric.Metric.Histogram<number>

/** In the order of their names, so that the same tags are the same series. */
const labelsOf = (unit: string, tags: object): ReadonlyArray<MetricLabel.MetricLabel> =>
  Object.entries({ ...tags, unit })
    .filter(([, value]) => value !== undefined)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, value]) => MetricLabel.make(name, `${value}`))

// Each gives the series with some tags. `Metric.tagged` would look a series up anew for each update, which takes 5 % of the CPU time
// of small files.

const seconds = <Tags extends object>(name: string, description: string, boundaries: ReadonlyArray<number>) => {
  // Two boundaries with the same values are not equal.
  const key = MetricKey.histogram(name, MetricBoundaries.fromIterable(boundaries), description)
  return (tags: Tags): Histogram => Metric.fromMetricKey(MetricKey.taggedWithLabels(key, labelsOf("s", tags)))
}

const counter = <Tags extends object>(name: string, unit: string, description: string, incremental = true) => {
  const key = MetricKey.counter(name, { description, incremental })
  return (tags: Tags): Counter => Metric.fromMetricKey(MetricKey.taggedWithLabels(key, labelsOf(unit, tags)))
}

const gauge = <Tags extends object>(name: string, unit: string, description: string) => {
  const key = MetricKey.gauge(name, { description })
  return (tags: Tags): Gauge => Metric.fromMetricKey(MetricKey.taggedWithLabels(key, labelsOf(unit, tags)))
}

// The boundaries that the conventions have for HTTP requests.
const ofRequests = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]

const ofTransfers = [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3600]

/**
 * `halyard.transfer.outcomes`: the outcomes of requests with these tags.
 *
 * @category metrics
 * @since 0.2.0
 */
export const outcomes: (tags: OutcomeTags) => Counter = counter(
  "halyard.transfer.outcomes",
  "{transfer}",
  "Outcomes of requests"
)

/**
 * `halyard.transfer.duration`: seconds from the start of a transfer to its outcome.
 *
 * @category metrics
 * @since 0.2.0
 */
export const durations: (tags: OutcomeTags) => Histogram = seconds(
  "halyard.transfer.duration",
  "From the start of a transfer to its outcome",
  ofTransfers
)

/**
 * `halyard.transfer.active`: the transfers that have begun and not ended.
 *
 * @category metrics
 * @since 0.2.0
 */
export const active: Counter = counter(
  "halyard.transfer.active",
  "{transfer}",
  "Transfers that have begun and not ended",
  false
)({})

/**
 * `halyard.transfer.retries`: the failed attempts that another one follows.
 *
 * @category metrics
 * @since 0.2.0
 */
export const retries: (tags: RetryTags) => Counter = counter(
  "halyard.transfer.retries",
  "{retry}",
  "Failed attempts that another one follows"
)

/**
 * `halyard.transfer.received`: the received bytes of bodies.
 *
 * @category metrics
 * @since 0.2.0
 */
export const received: (tags: OriginTags) => Counter = counter(
  "halyard.transfer.received",
  "By",
  "Received bytes of bodies"
)

/**
 * `http.client.request.duration`: seconds from the permit of a request to its end.
 *
 * @category metrics
 * @since 0.2.0
 */
export const requests: (tags: RequestTags) => Histogram = seconds(
  "http.client.request.duration",
  "Duration of HTTP client requests",
  ofRequests
)

/**
 * `halyard.request.permit.duration`: seconds of the wait for a permit before a request.
 *
 * @category metrics
 * @since 0.2.0
 */
export const permitWait: (tags: OriginTags) => Histogram = seconds(
  "halyard.request.permit.duration",
  "Wait for a permit before a request",
  ofRequests
)

/**
 * `halyard.request.first_byte.duration`: seconds from the connection to the head of the response.
 *
 * @category metrics
 * @since 0.2.0
 */
export const firstByte: (tags: OriginTags) => Histogram = seconds(
  "halyard.request.first_byte.duration",
  "From the connection to the response",
  ofRequests
)

/**
 * `halyard.origin.permits`: the permits that requests to an origin hold. Only with an `OriginGovernor` in the context.
 *
 * @category metrics
 * @since 0.2.0
 */
export const permits: (tags: OriginTags) => Gauge = gauge(
  "halyard.origin.permits",
  "{request}",
  "Permits that requests to an origin hold"
)

/**
 * `halyard.origin.limit`: the permits that an origin allows now. Only with an `OriginGovernor` in the context, and if there is a limit.
 *
 * @category metrics
 * @since 0.2.0
 */
export const limits: (tags: OriginTags) => Gauge = gauge(
  "halyard.origin.limit",
  "{request}",
  "Permits that an origin allows now"
)
