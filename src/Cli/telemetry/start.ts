/**
 * Starts the exporter of a command.
 */
import * as Headers from "@effect/platform/Headers"
import * as HttpTraceContext from "@effect/platform/HttpTraceContext"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Tracer from "effect/Tracer"
import { displayUrl } from "../../internal/text/displayUrl.js"
import * as Metrics from "../../Metrics.js"
import { StatusLine } from "../../StatusLine.js"
import type { Store } from "../../Store.js"
import { Host } from "../Host.js"
import type { UsageError } from "../UsageError.js"
import { settings } from "./settings.js"
import { none, noTraceparent, type Options, type Telemetry } from "./Telemetry.js"

export const start = ({
  noProxy,
  otlp,
  proxy,
  traceOrigin,
  verbose
}: Options): Effect.Effect<Telemetry, UsageError, Host | StatusLine | Scope.Scope> =>
  Effect.gen(function* () {
    const { line: note } = yield* StatusLine
    const { environment, exporter } = yield* Host
    const read = settings(otlp, environment)
    read.notices.forEach(note)
    if (read.traces === undefined && traceOrigin.length > 0) {
      note(noTraceparent)
    }
    if (read.traces === undefined && read.metrics === undefined) {
      return none
    }
    const parent = parentOf(environment["TRACEPARENT"])
    // A parent that is not sampled asks for no spans.
    const traces = parent?.sampled === false ? undefined : read.traces
    if (verbose) {
      const addresses = [traces, read.metrics].flatMap((one) => (one === undefined ? [] : [displayUrl(one.url)]))
      note(`sending traces and metrics to ${addresses.join(" and ")} (${read.from})`)
    }
    const tracer = yield* exporter({ settings: { ...read, traces }, network: { noProxy, proxy }, onFailure: note })
    return {
      withSpans: tracer === undefined ? none.withSpans : inTrace(tracer, parent),
      withMetrics: read.metrics === undefined ? none.withMetrics : (listener) => Layer.provide(Metrics.layer, listener)
    }
  })

/** The span of the process that has started this one, as build systems give it. */
const parentOf = (traceparent: string | undefined): Tracer.ExternalSpan | undefined =>
  Option.getOrUndefined(HttpTraceContext.w3c(Headers.fromInput({ traceparent: traceparent?.trim() })))

const inTrace =
  (tracer: Tracer.Tracer, parent: Tracer.ExternalSpan | undefined) =>
  <A, E>(run: Effect.Effect<A, E, Host | Store>): Effect.Effect<A, E, Host | Store> =>
    // The spans of the command itself are those of Effect's default tracer, which are not sent.
    Effect.withTracer(parent === undefined ? withoutParentSpan(run) : Effect.withParentSpan(run, parent), tracer)

const withoutParentSpan = <A, E>(run: Effect.Effect<A, E, Host | Store>): Effect.Effect<A, E, Host | Store> =>
  Effect.mapInputContext(run, Context.omit(Tracer.ParentSpan))
