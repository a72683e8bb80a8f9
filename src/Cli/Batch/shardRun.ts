/**
 * The run of a shard, with the options of the process that carries it out.
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as ShardRun from "../../cluster/ShardRun.js"
import { downloaderLayer, governorLayer } from "../Get/downloaderLayer.js"
import { options as getOptions } from "../Get/options.js"
import { Host } from "../Host.js"
import type { Texts } from "../Option.js"
import type { UsageError } from "../UsageError.js"
import * as Settled from "./settled.js"
import { concurrency } from "./transferOptions.js"

export interface Options {
  /** The texts of the options that are given. */
  readonly texts: Texts
  /** The number of processes that share the limits of the options. */
  readonly processes: number
  readonly onProblem: (text: string) => void
}

/** Fails if an option has a wrong value. */
export const layer = Effect.fnUntraced(function* ({
  onProblem,
  processes,
  texts
}: Options): Effect.fn.Return<Layer.Layer<ShardRun.ShardRun>, UsageError, Host> {
  const host = yield* Host
  const given = yield* Either.all({
    get: Settled.values(getOptions, texts),
    own: Settled.values({ concurrency }, texts)
  })
  const { limitRate, limitRatePerOrigin, perOrigin, rate, ratePerOrigin } = given.get
  const whole = (limit: number | undefined) =>
    limit === undefined ? undefined : Math.max(1, Math.floor(limit / processes))
  const part = (limit: number | undefined) => (limit === undefined ? undefined : limit / processes)
  const options = {
    ...given.get,
    perOrigin: whole(perOrigin),
    limitRate: whole(limitRate),
    limitRatePerOrigin: whole(limitRatePerOrigin),
    rate: part(rate),
    ratePerOrigin: part(ratePerOrigin)
  }
  const transport = yield* host.transport(options)
  const journal = options.noState ? Layer.empty : host.stateJournal({ onProblem, isReadOnly: false })
  return ShardRun.layer({ concurrency: Math.min(given.own.concurrency, host.connectionsAtMost()) }).pipe(
    Layer.provide(downloaderLayer(options, undefined, false)),
    Layer.provide([transport(), governorLayer(options), journal]),
    Layer.provide(host.store)
  )
})
