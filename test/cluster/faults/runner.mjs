// A runner, as a program of its own. Standard output gets a line for each shard that begins or ends, and the lines of the log.
import { writeSync } from "node:fs"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Stream from "effect/Stream"
import { ShardRun } from "halyard/cluster"
import * as Node from "halyard/Node"
import * as Cluster from "halyard/Node/Cluster"

const { concurrency, name, ...options } = JSON.parse(process.argv[2])

// Written at once, so that a process which is killed has said what it did.
const say = (text) => writeSync(1, `${text}\n`)

const observed = Layer.effect(
  ShardRun.ShardRun,
  Effect.map(ShardRun.ShardRun, ({ run }) => ({
    run: (shard, requests) => {
      say(`begin ${shard.batch} ${shard.shard} ${shard.attempt}`)
      const guarded = Stream.tap(requests, ({ url }) =>
        Effect.sync(() => {
          if (url.endsWith("/abort")) {
            process.abort()
          }
        })
      )
      return Stream.concat(
        run(shard, guarded),
        Stream.execute(Effect.sync(() => say(`end ${shard.batch} ${shard.shard} ${shard.attempt}`)))
      )
    }
  }))
)

const lines = Logger.replace(
  Logger.defaultLogger,
  Logger.make(({ cause, message }) => {
    say(["log", String(message), ...(Cause.isEmpty(cause) ? [] : [Cause.pretty(cause)])].join(" "))
  })
)

NodeRuntime.runMain(
  Layer.launch(
    Cluster.layerRunner(options).pipe(
      Layer.provide(Layer.provide(observed, ShardRun.layer({ concurrency }))),
      Layer.provide(Layer.provide(Node.layerWith({ userAgent: name }), Node.layerJournal))
    )
  ).pipe(Effect.provide(Layer.merge(lines, Logger.minimumLogLevel(LogLevel.Debug)))),
  { disablePrettyLogger: true }
)
