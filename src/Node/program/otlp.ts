/**
 * Sends spans and metrics to a collector: OTLP over HTTP, as JSON.
 *
 * The exporter is that of `@effect/opentelemetry`. Its requests go over a transport of their own, which no downloader uses.
 */
import * as OtlpMetrics from "@effect/opentelemetry/OtlpMetrics"
import * as OtlpSerialization from "@effect/opentelemetry/OtlpSerialization"
import * as OtlpTracer from "@effect/opentelemetry/OtlpTracer"
import * as HttpClient from "@effect/platform/HttpClient"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as ExecutionStrategy from "effect/ExecutionStrategy"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import type * as Tracer from "effect/Tracer"
import type { Export } from "../../Cli/Host.js"
import type { Endpoint } from "../../Cli/telemetry/Endpoint.js"
import type { UsageError } from "../../Cli/UsageError.js"
import { Transport } from "../../Transport.js"
import { transport } from "./network.js"
import { Delivery } from "./otlp/delivery.js"
import * as Json from "./otlp/json.js"

declare const HALYARD_VERSION: string

/** Exports until the scope closes. What is left is sent then, which takes three seconds at most. */
export const start = ({
  network,
  onFailure,
  settings
}: Export): Effect.Effect<Tracer.Tracer | undefined, UsageError, Scope.Scope> =>
  Effect.gen(function* () {
    const { metrics, traces } = settings
    // A proxy cannot reach this machine under the names that the machine has for itself.
    const isLocal = [traces, metrics].every((one) => one === undefined || local.test(new URL(one.url).hostname))
    const layer = yield* transport(isLocal ? { noProxy: "*" } : network)
    const context = yield* Layer.build(layer())
    const delivery = yield* Delivery.make(Context.get(context, Transport), onFailure)
    const { "service.name": serviceName = "halyard", ...attributes } = settings.resource
    const { "service.version": serviceVersion = HALYARD_VERSION } = attributes
    const given = ({ headers, url }: Endpoint) => ({
      url,
      headers,
      resource: { serviceName, serviceVersion, attributes },
      shutdownTimeout: closingMillis
    })
    const served = <A, R>(endpoint: Endpoint, exporter: Effect.Effect<A, never, R | HttpClient.HttpClient>) =>
      Effect.provideService(exporter, HttpClient.HttpClient, delivery.client(endpoint.timeoutMillis))
    // The finalizers of this scope run at the same time, so that a silent collector of traces takes no time of the metrics.
    const both = yield* Effect.flatMap(Effect.scope, (scope) => Scope.fork(scope, ExecutionStrategy.parallel))
    const inOwnScope = <A, R>(exporter: Effect.Effect<A, never, R | Scope.Scope>) =>
      Effect.flatMap(Scope.fork(both, ExecutionStrategy.sequential), (scope) => Scope.extend(exporter, scope))
    const exporters = Effect.gen(function* () {
      yield* metrics === undefined ? Effect.void : inOwnScope(served(metrics, OtlpMetrics.make(given(metrics))))
      return traces === undefined ? undefined : yield* inOwnScope(served(traces, OtlpTracer.make(given(traces))))
    })
    const tracer = yield* exporters.pipe(
      Effect.provideService(OtlpSerialization.OtlpSerialization, Json.serialization),
      // The attributes of the environment are among the settings.
      Effect.withConfigProvider(ConfigProvider.fromMap(new Map()))
    )
    // The last finalizer that is added is the first that runs.
    yield* Effect.addFinalizer(() => delivery.endWithin(closingMillis))
    return tracer
  })

const closingMillis = 3000

const local = /^(?:localhost|127\.[\d.]+|\[::1\])$/
