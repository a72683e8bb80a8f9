/**
 * Where a command sends its traces and metrics: `--otlp`, and the environment variables of OpenTelemetry.
 *
 * The variables are those of the OTLP exporter, as far as OTLP over HTTP has them.
 */
import * as Encoding from "effect/Encoding"
import { displayUrl } from "../../internal/text/displayUrl.js"
import * as Printable from "../../internal/text/printable.js"
import { type Endpoint, endpointVariables, type Settings } from "./Endpoint.js"

type Environment = Readonly<Record<string, string | undefined>>

type Signal = "traces" | "metrics"

/**
 * `given` is the value of `--otlp`: an absolute URL of `http:` or `https:`. The variables may be meant for other programs, so those that
 * this program cannot use are ignored, with a notice.
 */
export const settings = (given: string | undefined, environment: Environment): Settings => {
  const variable = (name: string): string | undefined => environment[name]?.trim() || undefined
  const from = given === undefined ? (endpointVariables.find((name) => variable(name) !== undefined) ?? "") : "--otlp"
  // The signals that are not sent, by the reason.
  const unsent = new Map<string, Array<Signal>>()
  const ignored = new Set<string>()
  const read = <A>(name: string, parse: (text: string) => A | undefined, rule: string): A | undefined => {
    const text = variable(name)
    const value = text === undefined ? undefined : parse(text)
    if (text !== undefined && value === undefined) {
      ignored.add(`the variable ${name} is ignored: it must be ${rule}`)
    }
    return value
  }
  const endpoint = (signal: Signal): Endpoint | undefined => {
    const nameOf = (suffix: string): string => {
      const own = `OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_${suffix}`
      return variable(own) === undefined ? `OTEL_EXPORTER_OTLP_${suffix}` : own
    }
    const leaveOut = (reason: string): undefined => {
      unsent.set(reason, [...(unsent.get(reason) ?? []), signal])
    }
    const endpointName = nameOf("ENDPOINT")
    const text = given ?? variable(endpointName)
    if (text === undefined) {
      return
    }
    const offName = variable("OTEL_SDK_DISABLED")?.toLowerCase() === "true" ? "OTEL_SDK_DISABLED" : exporterOf(signal)
    if (offName === "OTEL_SDK_DISABLED" || variable(offName)?.toLowerCase() === "none") {
      return given === undefined ? undefined : leaveOut(`${offName} is ${variable(offName)}`)
    }
    const protocolName = nameOf("PROTOCOL")
    if (given === undefined && variable(protocolName) === "grpc") {
      return leaveOut(`${protocolName} is grpc, and this program sends http/json`)
    }
    const url = urlOf(text)
    if (url === undefined) {
      const shown = Printable.excerpt(displayUrl(text))
      const label = given === undefined ? endpointName : "--otlp URL"
      return leaveOut(`${label} must be an absolute URL of http: or https:, not '${shown}'`)
    }
    const isShared = given !== undefined || endpointName === "OTEL_EXPORTER_OTLP_ENDPOINT"
    const headers = isOtherCollector(url, signal, variable) ? undefined : read(nameOf("HEADERS"), headersOf, pairsRule)
    return {
      url: addressOf(url, isShared ? signal : undefined),
      headers: { ...authorization(url), ...headers },
      timeoutMillis: read(nameOf("TIMEOUT"), millis, "a number of milliseconds > 0") ?? defaultTimeoutMillis
    }
  }
  const traces = endpoint("traces")
  const metrics = endpoint("metrics")
  const isSent = traces !== undefined || metrics !== undefined
  const attributes = isSent ? read("OTEL_RESOURCE_ATTRIBUTES", pairs, pairsRule) : undefined
  const serviceName = variable("OTEL_SERVICE_NAME")
  const resource = {
    "service.name": "halyard",
    ...attributes,
    ...(serviceName === undefined ? {} : { "service.name": serviceName })
  }
  const reasons = Array.from(unsent, ([reason, signals]) => `no ${signals.join(" and ")} are sent: ${reason}`)
  return { traces, metrics, resource, from, notices: [...reasons, ...ignored] }
}

const defaultTimeoutMillis = 10_000

const pairsRule = "like name=value,name=value"

const exporterOf = (signal: Signal): string => `OTEL_${signal.toUpperCase()}_EXPORTER`

const urlOf = (text: string): URL | undefined => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  return url?.protocol === "http:" || url?.protocol === "https:" ? url : undefined
}

/** The path of a signal is added to the address of a collector, and not to one that is for the signal alone. */
const addressOf = (url: URL, signal: Signal | undefined): string => {
  const address = new URL(url)
  address.username = ""
  address.password = ""
  address.hash = ""
  if (signal !== undefined) {
    address.pathname = `${address.pathname.replace(/\/$/, "")}/v1/${signal}`
  }
  return address.href
}

const authorization = ({ password, username }: URL): Readonly<Record<string, string>> =>
  username === "" && password === ""
    ? {}
    : { authorization: `Basic ${Encoding.encodeBase64(`${decoded(username)}:${decoded(password)}`)}` }

/**
 * Whether the URL is not the collector of the variables, whose headers may have a key. They belong to the endpoint of their signal: its own,
 * else that of both. Without one, they may belong to that of the other signal.
 */
const isOtherCollector = ({ origin }: URL, signal: Signal, variable: (name: string) => string | undefined): boolean => {
  const own = variable(`OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_ENDPOINT`) ?? variable("OTEL_EXPORTER_OTLP_ENDPOINT")
  const named = own === undefined ? endpointVariables.flatMap((name) => variable(name) ?? []) : [own]
  return named.some((text) => !URL.canParse(text) || new URL(text).origin !== origin)
}

/** Reads `name=value,name=value` with percent-encoded values. */
const pairs = (text: string): Readonly<Record<string, string>> | undefined => {
  const found: Record<string, string> = {}
  for (const pair of text.split(",").filter((one) => one.trim() !== "")) {
    const at = pair.indexOf("=")
    const key = pair.slice(0, Math.max(0, at)).trim()
    if (key === "") {
      return
    }
    found[key] = decoded(pair.slice(at + 1).trim())
  }
  return found
}

const headersOf = (text: string): Readonly<Record<string, string>> | undefined => {
  const found = pairs(text)
  return found && Object.fromEntries(Object.entries(found).map(([name, value]) => [name.toLowerCase(), value]))
}

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

const millis = (text: string): number | undefined =>
  /^\d{1,9}$/.test(text) && Number(text) > 0 ? Number(text) : undefined
