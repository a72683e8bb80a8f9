/**
 * Where a command sends its traces and metrics: `--otlp`, and the environment variables of OpenTelemetry.
 *
 * The variables are those of the OTLP exporter, as far as OTLP over HTTP has them.
 */
import * as Either from "effect/Either"
import * as Encoding from "effect/Encoding"
import { displayUrl } from "../../internal/text/displayUrl.js"
import * as Printable from "../../internal/text/printable.js"
import { type Endpoint, endpointVariables, type Settings } from "./Telemetry.js"

type Environment = Readonly<Record<string, string | undefined>>

type Signal = "traces" | "metrics"

/** Returns undefined if nothing is sent, or the rule that the value of a variable breaks. `given` is the value of `--otlp`. */
export const settings = (
  given: string | undefined,
  environment: Environment
): Either.Either<Settings | undefined, string> =>
  Either.gen(function* () {
    const variable = (name: string): string | undefined => environment[name]?.trim() || undefined
    if (variable("OTEL_SDK_DISABLED")?.toLowerCase() === "true") {
      return undefined
    }
    const notices: Array<string> = []
    const base = given ?? variable("OTEL_EXPORTER_OTLP_ENDPOINT")
    const endpoint = (signal: Signal): Either.Either<Endpoint | undefined, string> =>
      Either.gen(function* () {
        const name = signal.toUpperCase()
        const specific = (suffix: string): readonly [string, string | undefined] => {
          const own = `OTEL_EXPORTER_OTLP_${name}_${suffix}`
          return variable(own) === undefined
            ? [`OTEL_EXPORTER_OTLP_${suffix}`, variable(`OTEL_EXPORTER_OTLP_${suffix}`)]
            : [own, variable(own)]
        }
        const ownName = `OTEL_EXPORTER_OTLP_${name}_ENDPOINT`
        const own = given === undefined ? variable(ownName) : undefined
        const text = own ?? base
        if (text === undefined || variable(`OTEL_${name}_EXPORTER`)?.toLowerCase() === "none") {
          return undefined
        }
        const where = given !== undefined ? "--otlp URL" : own !== undefined ? ownName : "OTEL_EXPORTER_OTLP_ENDPOINT"
        const [protocolName, protocol] = specific("PROTOCOL")
        if (given === undefined && protocol === "grpc") {
          notices.push(`no ${signal} are sent: ${protocolName} is grpc, and this program sends http/json`)
          return undefined
        }
        const url = yield* urlOf(text, where)
        const [headersName, headersText] = specific("HEADERS")
        const [timeoutName, timeout] = specific("TIMEOUT")
        const headers = isForOther(url, signal, variable) ? {} : yield* pairs(headersText ?? "", headersName)
        const credentials = authorization(url)
        return {
          url: addressOf(url, own === undefined ? signal : undefined),
          headers: { ...credentials, ...headers },
          timeoutMillis: timeout === undefined ? defaultTimeoutMillis : yield* millis(timeout, timeoutName)
        }
      })
    const traces = yield* endpoint("traces")
    const metrics = yield* endpoint("metrics")
    const attributes = yield* pairs(variable("OTEL_RESOURCE_ATTRIBUTES") ?? "", "OTEL_RESOURCE_ATTRIBUTES")
    const serviceName = variable("OTEL_SERVICE_NAME")
    const resource = {
      "service.name": "halyard",
      ...attributes,
      ...(serviceName === undefined ? {} : { "service.name": serviceName })
    }
    const from = given === undefined ? (endpointVariables.find((name) => variable(name) !== undefined) ?? "") : "--otlp"
    return { traces, metrics, resource, from, notices }
  })

const defaultTimeoutMillis = 10_000

/** Reads a URL of `http:` or `https:`. No error shows its secrets. */
export const urlOf = (text: string, label: string): Either.Either<URL, string> => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  return url !== undefined && (url.protocol === "http:" || url.protocol === "https:")
    ? Either.right(url)
    : Either.left(`${label} must be an absolute URL of http: or https:, not '${Printable.excerpt(displayUrl(text))}'`)
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
 * The headers of the variables may have a key of another collector than that of the line. They belong to the endpoint of their signal: its
 * own, else that of both. Without one, they may belong to that of the other signal.
 */
const isForOther = ({ origin }: URL, signal: Signal, variable: (name: string) => string | undefined): boolean => {
  const own = variable(`OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_ENDPOINT`) ?? variable("OTEL_EXPORTER_OTLP_ENDPOINT")
  const named = own === undefined ? endpointVariables.flatMap((name) => variable(name) ?? []) : [own]
  return named.some((text) => !URL.canParse(text) || new URL(text).origin !== origin)
}

/** Reads `name=value,name=value` with percent-encoded values. No error shows a value. */
const pairs = (text: string, name: string): Either.Either<Readonly<Record<string, string>>, string> => {
  const found: Record<string, string> = {}
  for (const pair of text.split(",").filter((one) => one.trim() !== "")) {
    const at = pair.indexOf("=")
    const key = pair.slice(0, Math.max(0, at)).trim()
    if (key === "") {
      return Either.left(`the variable ${name} must be like name=value,name=value`)
    }
    found[name.endsWith("HEADERS") ? key.toLowerCase() : key] = decoded(pair.slice(at + 1).trim())
  }
  return Either.right(found)
}

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

const millis = (text: string, name: string): Either.Either<number, string> =>
  /^\d{1,9}$/.test(text) && Number(text) > 0
    ? Either.right(Number(text))
    : Either.left(`the variable ${name} must be a number of milliseconds > 0`)
