/**
 * The options of a downloader as a `Config`, under the names that they have in a program.
 *
 * @internal
 */
import * as Config from "effect/Config"
import type * as Duration from "effect/Duration"

const optional = <A>(config: Config.Config<A>): Config.Config<A | undefined> => Config.withDefault(config, undefined)

const numbers = <Name extends string>(...names: ReadonlyArray<Name>) => fields(names, Config.number)

const durations = <Name extends string>(...names: ReadonlyArray<Name>) => fields(names, Config.duration)

const booleans = <Name extends string>(...names: ReadonlyArray<Name>) => fields(names, Config.boolean)

const fields = <Name extends string, A>(
  names: ReadonlyArray<Name>,
  config: (name: string) => Config.Config<A>
): Config.Config<{ readonly [name in Name]?: A | undefined }> =>
  Config.map(
    Config.all(names.map((name) => optional(Config.map(config(name), (value) => ({ [name]: value }))))),
    (all) => Object.assign({}, ...all)
  )

interface Stall {
  readonly bytes: number
  readonly within: Duration.Duration
}

/** A stall without one of its parts has the default of that part. */
const stall = (defaults: Stall): Config.Config<Stall | undefined> =>
  Config.map(
    Config.nested(Config.all([optional(Config.number("bytes")), optional(Config.duration("within"))]), "stall"),
    ([bytes, within]) =>
      bytes === undefined && within === undefined
        ? undefined
        : { bytes: bytes ?? defaults.bytes, within: within ?? defaults.within }
  )

export const optionsConfig = (defaults: { readonly stall: Stall }) =>
  Config.map(
    Config.all({
      limits: numbers(
        "concurrency",
        "perOrigin",
        "requestsPerSecond",
        "requestsPerSecondPerOrigin",
        "bytesPerSecond",
        "bytesPerSecondPerOrigin",
        "limitBytes",
        "segments"
      ),
      times: durations("connectTimeout", "headersTimeout"),
      switches: booleans("adaptive", "exchanges", "responses", "mtime", "strict"),
      others: Config.all({
        stall: stall(defaults.stall),
        durability: optional(Config.literal("full", "rename")("durability")),
        userAgent: optional(Config.string("userAgent"))
      }),
      retry: Config.nested(
        Config.zipWith(
          numbers("retries", "unreachableRetries"),
          durations("firstDelay", "longestDelay", "longestWait", "within", "unreachableWithin"),
          (counts, times) => ({ ...counts, ...times })
        ),
        "retry"
      )
    }),
    ({ limits, others, retry, switches, times }) => ({ ...limits, ...times, ...switches, ...others, retry })
  )
