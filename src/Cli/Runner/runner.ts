/**
 * Runs `halyard runner` until a signal interrupts it.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Printable from "../../internal/text/printable.js"
import type * as OriginGovernor from "../../OriginGovernor.js"
import { StatusLine } from "../../StatusLine.js"
import * as Database from "../Batch/database.js"
import * as Logger from "../Batch/logger.js"
import * as OptionSources from "../Batch/optionSources.js"
import * as ShardRuns from "../Batch/shardRun.js"
import type { Texts } from "../commandLine/Option.js"
import { Host } from "../Host.js"
import * as Health from "./health.js"
import { own } from "./options.js"

export const runner = Effect.fn("runner")(function* (texts: Texts, version: string) {
  const host = yield* Host
  const { line } = yield* StatusLine
  const { drain, healthPort, ...options } = yield* OptionSources.values(own, texts)
  const database = yield* Database.required(options.database)
  const { host: address, port } = options
  const governor = (limits: OriginGovernor.Options) => host.fleetGovernor({ database, host: address, port }, limits)
  const shardRun = yield* ShardRuns.layer({ texts, processes: 1, governor, onProblem: line })
  const health = new Health.Health(version)
  const layer = host
    .runner({ ...options, database, drain: Duration.times(drain, continuedShare) })
    .pipe(Layer.provide(shardRun))
  const running = Effect.gen(function* () {
    yield* health.begin
    host.stdout.write(`Running batches as ${Printable.line(options.host)}:${options.port}\n`)
    return yield* Effect.never
  }).pipe(Effect.ensuring(health.end))
  // The health is answered until the runner has ended.
  return yield* Effect.provide(running, layer).pipe(
    Effect.provide(
      healthPort === undefined
        ? Layer.empty
        : health.layer({ hostname: options.listen ?? options.host, port: healthPort })
    ),
    // A runner that stops is not healthy, and the engine warns of that.
    Effect.provide(Logger.layer((isOfEngine) => !(isOfEngine && health.isStopping))),
    host.stoppingWithin(drain)
  )
})

/** The share of `--drain` for which shards continue. The rest is for their interruption and for the database. */
const continuedShare = 0.75
