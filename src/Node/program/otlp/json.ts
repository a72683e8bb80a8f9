/**
 * The JSON of spans and metrics, with what the exporter writes wrongly put right.
 *
 * The exporter marks failed spans as interrupted, and interrupted ones as successful. It gives every span a status, which only the
 * failed ones have. It writes stacks, which have paths of this machine. It repeats the unit of a metric as an attribute, and writes numbers in attributes of metrics as texts.
 */
import type * as OtlpSerialization from "@effect/opentelemetry/OtlpSerialization"
import * as HttpBody from "@effect/platform/HttpBody"

export const serialization: typeof OtlpSerialization.OtlpSerialization.Service = {
  traces: (data) => {
    each(data, ["resourceSpans", "scopeSpans", "spans"], correctSpan)
    return HttpBody.unsafeJson(data)
  },
  metrics: (data) => {
    each(data, ["resourceMetrics", "scopeMetrics"], (scope) => {
      const metrics = field(scope, "metrics")
      Object.assign(scope, { metrics: Array.isArray(metrics) ? metrics.filter(isOfDownloads) : [] })
    })
    each(data, ["resourceMetrics", "scopeMetrics", "metrics"], (metric) => {
      for (const kind of ["sum", "gauge", "histogram"]) {
        each(field(metric, kind), ["dataPoints"], correctPoint)
      }
    })
    return HttpBody.unsafeJson(data)
  },
  logs: HttpBody.unsafeJson
}

/** Calls a function for each object at the end of a path of lists. */
const each = (value: unknown, [name, ...rest]: ReadonlyArray<string>, act: (one: object) => void): void => {
  if (name === undefined) {
    if (isObject(value)) {
      act(value)
    }
    return
  }
  const list = field(value, name)
  for (const one of Array.isArray(list) ? list : []) {
    each(one, rest, act)
  }
}

/** Writes the status, attributes and events of a span as the protocol has them. */
const correctSpan = (span: object): void => {
  const status = field(span, "status")
  const isFailed = field(status, "code") === failed
  const attributes = attributesOf(span).filter((one) => !marks.has(keyOf(one)))
  if (!isFailed && field(status, "message") !== undefined) {
    attributes.push(interrupted)
  }
  each(span, ["events"], (event) => {
    Object.assign(event, { attributes: attributesOf(event).filter((one) => keyOf(one) !== "exception.stacktrace") })
  })
  Object.assign(span, isFailed ? { attributes } : { attributes, status: {} })
}

/** Writes the attributes of a data point as the protocol has them. */
const correctPoint = (point: object): void => {
  const attributes = attributesOf(point).filter((one) => keyOf(one) !== "unit")
  for (const one of attributes) {
    const key = keyOf(one)
    const text = numbers.has(key) ? field(field(one, "value"), "stringValue") : undefined
    if (text !== undefined && isObject(one)) {
      Object.assign(one, { value: { intValue: Number(text) } })
    }
  }
  Object.assign(point, { attributes })
}

// Effect has metrics of its fibers.
const isOfDownloads = (metric: unknown): boolean => /^(?:halyard|http)\./.test(`${field(metric, "name")}`)

const failed = 2

/** Attributes with which the exporter marks spans. */
const marks: ReadonlySet<unknown> = new Set(["span.label", "status.interrupted"])

const interrupted = { key: "status.interrupted", value: { boolValue: true } }

const numbers: ReadonlySet<unknown> = new Set(["server.port", "http.response.status_code"])

const attributesOf = (value: object): Array<unknown> => {
  const list = field(value, "attributes")
  return Array.isArray(list) ? list : []
}

const keyOf = (attribute: unknown): unknown => field(attribute, "key")

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null

const field = (value: unknown, name: string): unknown => (isObject(value) ? Reflect.get(value, name) : undefined)
