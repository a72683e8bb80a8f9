/**
 * Carries a batch out by processes of this machine, and waits until it has ended.
 */
import * as Chunk from "effect/Chunk"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as Batches from "../../cluster/Batches.js"
import type { Submitted } from "../../cluster/models.js"
import { ShardRun } from "../../cluster/ShardRun.js"
import * as Download from "../../Download.js"
import * as Lines from "../../EventLine/lines.js"
import { StatusLine } from "../../StatusLine.js"
import * as Supervisor from "../../Supervisor.js"
import { follow } from "../Batch/follow.js"
import * as Logger from "../Batch/logger.js"
import * as Report from "../Batch/report.js"
import * as Transfer from "../Batch/transferOptions.js"
import * as BatchView from "../Batch/view.js"
import { longName, type Texts } from "../commandLine/Option.js"
import { sumsLine } from "../Get/summary/sums.js"
import { Host } from "../Host.js"
import * as Display from "../run/display.js"

/** Succeeds with the exit code of the report. `store` submits the batch. */
export const local = Effect.fnUntraced(function* <E, R>(
  store: Effect.Effect<{ readonly submitted: Submitted; readonly refused: number }, E, R>,
  options: {
    readonly id: string
    readonly database: string | undefined
    readonly processes: number | undefined
    readonly progress: Display.Progress
    readonly json: boolean
  },
  texts: Texts,
  version: string
) {
  const host = yield* Host
  const statusLine = yield* StatusLine
  const { database, id, json, progress } = options
  const processes = options.processes ?? host.processors()
  const shardRun = host.shardProcesses({
    processes,
    options: Object.values(Transfer.all).flatMap((option) => {
      const given = texts.get(option)
      return given === undefined ? [] : [[longName(option), given] as const]
    }),
    onProblem: statusLine.line
  })
  const runner = host.runner({
    database: database === undefined ? undefined : Redacted.make(database),
    host: "127.0.0.1",
    port: 1,
    shardsAtOnce: processes,
    // There is no other runner that could take a shard, and the engine reads every shard that is sent again and again.
    window: 2 * processes,
    drain: Duration.zero
  })
  const write = (text: string): void => (json ? host.stdout.write(text) : statusLine.line(text.replace(/\n$/, "")))
  const startMillis = yield* Clock.currentTimeMillis
  let counts = Download.emptyReport
  const counted = Layer.effect(
    ShardRun,
    Effect.map(ShardRun, ({ run }) => ({
      run: (shard, requests) =>
        Stream.mapChunks(run(shard, requests), (outcomes) => {
          counts = Chunk.reduce(outcomes, counts, Download.addOutcome)
          return outcomes
        })
    }))
  )
  /** What this process has seen. The batch may be gone, or have the outcomes of earlier runs. */
  const printInterrupted = Effect.map(Clock.currentTimeMillis, (nowMillis) => {
    const elapsedMillis = nowMillis - startMillis
    write(json ? Lines.toText(Lines.report(counts, elapsedMillis, nowMillis)) : sumsLine(counts, elapsedMillis / 1000))
    statusLine.line("the same command again continues, and downloads no saved file twice")
  })
  return yield* Effect.gen(function* () {
    const batches = yield* Batches.Batches
    const view = yield* BatchView.make("downloading", BatchView.localText)
    const work = Effect.flatMap(store, ({ refused }) => Effect.as(follow(batches, id, view.update), refused))
    const refused = yield* Supervisor.supervise(work, { companions: { display: Display.show(progress, view) } })
    const { exitCode = 1 } = yield* Report.print(batches, id, { json, version, write })
    return refused === 0 ? exitCode : 1
  }).pipe(
    Effect.provide(runner.pipe(Layer.provide(counted), Layer.provide(shardRun))),
    Effect.onInterrupt(() => printInterrupted),
    // The engine of one process warns of no healthy runner when it ends.
    Effect.provide(Logger.layer((isOfEngine) => !isOfEngine))
  )
})
