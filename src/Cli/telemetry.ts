/**
 * Traces and metrics of a command. Without a collector there are none, and nothing for them is loaded.
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type * as Scope from "effect/Scope"
import { displayUrl } from "../internal/text/displayUrl.js"
import { StatusLine } from "../StatusLine.js"
import { not, type Option, text, texts } from "./commandLine/Option.js"
import { Host } from "./Host.js"
import { endpointVariables } from "./telemetry/Endpoint.js"
import { none, noTraceparent, type Options, type Telemetry } from "./telemetry/Telemetry.js"
import type { UsageError } from "./UsageError.js"

export { none, type Telemetry }

const isHttp = (value: string): boolean => /^https?:\/\//i.test(value) && URL.canParse(value)

/** The options of the commands that download. */
export const telemetryOptions: {
  readonly otlp: Option<string | undefined>
  readonly traceOrigin: Option<ReadonlyArray<string>>
} = {
  otlp: text("--otlp URL", "Send traces and metrics to this collector", (value, label) =>
    isHttp(value) ? Either.right(value) : not(`${label} must be an absolute URL of http: or https:`, displayUrl(value))
  ),
  traceOrigin: texts("--trace-origin URL", "Send traceparent to the origin of URL", (value, label) =>
    isHttp(value)
      ? Either.right(new URL(value).origin)
      : not(`${label} must be an absolute URL of http: or https:`, displayUrl(value))
  )
}

/** Opens the exporter, if the line or the environment names a collector. What is left is sent when the scope closes. */
export const open = (options: Options): Effect.Effect<Telemetry, UsageError, Host | StatusLine | Scope.Scope> =>
  Effect.flatMap(Host, ({ environment }) =>
    options.otlp === undefined && endpointVariables.every((name) => (environment[name] ?? "") === "")
      ? Effect.as(options.traceOrigin.length === 0 ? Effect.void : noticeOfNoTraceparent, none)
      : Effect.flatMap(
          Effect.promise(() => import("./telemetry/start.js")),
          ({ start }) => start(options)
        )
  )

const noticeOfNoTraceparent = Effect.map(StatusLine, ({ line }) => line(noTraceparent))
