/**
 * The run of a shard, with the options of the process that carries it out.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as ShardRun from "../../cluster/ShardRun.js"
import type * as OriginGovernor from "../../OriginGovernor.js"
import { Store } from "../../Store.js"
import type { Transport } from "../../Transport.js"
import type { Texts } from "../commandLine/Option.js"
import { downloaderLayer, limitsOf } from "../Get/downloaderLayer.js"
import { options as getOptions } from "../Get/options.js"
import { Host } from "../Host.js"
import * as BucketUrl from "../run/bucketUrl.js"
import type { UsageError } from "../UsageError.js"
import * as Buckets from "./buckets.js"
import * as OptionSources from "./optionSources.js"
import * as OutputSettings from "./outputSettings.js"
import * as TarRun from "./tarRun.js"
import { concurrency } from "./transferOptions.js"

export interface Options<E> {
  /** The texts of the options that are given. */
  readonly texts: Texts
  /** The number of processes that share the limits of the options. */
  readonly processes: number
  /** Makes the governor of the limits. */
  readonly governor: (limits: OriginGovernor.Options) => Layer.Layer<OriginGovernor.OriginGovernor, E>
  readonly onProblem: (text: string) => void
}

/** Fails if an option has a wrong value. */
export const layer = Effect.fnUntraced(function* <E>({
  governor,
  onProblem,
  processes,
  texts
}: Options<E>): Effect.fn.Return<Layer.Layer<ShardRun.ShardRun, E>, UsageError, Host> {
  const host = yield* Host
  const given = yield* Either.all({
    get: OptionSources.values(getOptions, texts),
    own: OptionSources.values({ concurrency }, texts)
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
  const files = ShardRun.layer({ concurrency: Math.min(given.own.concurrency, host.connectionsAtMost()) }).pipe(
    Layer.provide(downloaderLayer(options, undefined, false))
  )
  const { durability } = options
  // The tars of all shards have the same transport and the same limits. They have no state files.
  const withOutputs = Layer.scoped(
    ShardRun.ShardRun,
    Effect.gen(function* () {
      const { run } = yield* ShardRun.ShardRun
      const services = yield* Effect.context<Store | Transport>()
      const buckets = yield* Buckets.make({ host, network: options, files })
      const runTo = (output: OutputSettings.Output, ...[shard, requests]: Parameters<typeof run>) => {
        const { directory } = output
        const isTar = output._tag === "tar"
        if (BucketUrl.isIn(directory)) {
          return Stream.unwrapScoped(
            Effect.map(buckets.open(directory), (bucket) =>
              isTar
                ? TarRun.run({ host, directory, durability, files, checkpointBytes }, shard, requests).pipe(
                    Stream.provideSomeContext(Context.add(services, Store, bucket.store))
                  )
                : bucket.run(shard, requests)
            )
          )
        }
        return isTar
          ? TarRun.run({ host, directory, durability, files, checkpointBytes: undefined }, shard, requests).pipe(
              Stream.provideSomeContext(services)
            )
          : run(shard, requests)
      }
      return {
        run: (shard, requests) =>
          Either.match(OutputSettings.decode(shard.settings), {
            onLeft: (problem) => Stream.die(new Error(problem)),
            onRight: (output) => runTo(output, shard, requests)
          })
      }
    })
  )
  return withOutputs.pipe(
    Layer.provide(Layer.provide(files, journal)),
    Layer.provide([transport(), governor(limitsOf(options))]),
    Layer.provide(host.store)
  )
})

/** A checkpoint uploads up to 8 MiB again, and its record has the index of the tar. */
const checkpointBytes = 64 * 1024 * 1024
