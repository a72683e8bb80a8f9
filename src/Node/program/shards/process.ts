/**
 * A process that carries out shards for the process that has started it, one at a time. It ends with the channel to its parent, so it
 * outlives no parent, also if that was killed.
 */
import * as Cause from "effect/Cause"
import type * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Mailbox from "effect/Mailbox"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as ShardRuns from "../../../Cli/Batch/shardRun.js"
import * as Transfer from "../../../Cli/Batch/transferOptions.js"
import { type Shard, ShardRun } from "../../../cluster/ShardRun.js"
import * as StoredRequests from "../../../Download/storedRequests.js"
import type { DownloadOutcome, DownloadRequest } from "../../../Download.js"
import { displayText } from "../../../internal/text/displayUrl.js"
import * as OriginGovernor from "../../../OriginGovernor.js"
import * as NodeScreen from "../../Screen.js"
import * as NodeHost from "../Host.js"
import * as Signals from "../process/signals.js"
import { type Answer, Answer as AnswerSchema, type Order, Order as OrderSchema } from "./messages.js"

/** Serves until the channel to the parent closes, or until SIGTERM. */
export const serve = (binUrl: URL): void => {
  // A Ctrl-C on a terminal also reaches the parent, which then stops this process.
  const signals = Signals.open(
    () => {},
    (signal) => (signal === "SIGTERM" ? interrupt() : undefined),
    { ignoresHangups: true }
  )
  const host = NodeHost.layer(signals, binUrl).pipe(Layer.provide(NodeScreen.layer))
  const fiber = Effect.runFork(Effect.provide(Effect.scoped(program), host))
  const interrupt = (): void => fiber.unsafeInterruptAsFork(fiber.id())
  process.once("disconnect", interrupt)
  fiber.addObserver((exit) => {
    // An interruption is the usual end. Only a process that succeeds keeps its compiled code for the next one.
    const isFailed = Exit.isFailure(exit) && !Cause.isInterruptedOnly(exit.cause)
    if (isFailed) {
      process.stderr.write(`${Cause.pretty(exit.cause)}\n`)
    }
    process.exit(isFailed ? 1 : 0)
  })
}

const encode = Schema.encodeSync(AnswerSchema)

const send = (answer: Answer): void => {
  if (process.connected) {
    process.send?.(encode(answer))
  }
}

const orders = Effect.gen(function* () {
  const mailbox = yield* Mailbox.make<Order>()
  const decode = Schema.decodeUnknownSync(OrderSchema)
  const receive = (message: unknown): void => void mailbox.unsafeOffer(decode(message))
  yield* Effect.acquireRelease(
    Effect.sync(() => process.on("message", receive)),
    () => Effect.sync(() => process.off("message", receive))
  )
  return mailbox
})

const program = Effect.gen(function* () {
  const mailbox = yield* orders
  const first = yield* mailbox.take
  if (first._tag !== "Begin") {
    return yield* Effect.dieMessage("the first order is not Begin")
  }
  const given = new Map(first.options)
  const texts = new Map(
    Object.values(Transfer.all).flatMap((option) => {
      const own = option.names.map((name) => given.get(name)).find((found) => found !== undefined)
      return own === undefined ? [] : [[option, own] as const]
    })
  )
  const layer = yield* ShardRuns.layer({
    texts,
    processes: first.processes,
    governor: OriginGovernor.layer,
    onProblem: (text) => send({ _tag: "Line", text })
  })
  yield* Effect.provide(carryOut(mailbox), layer)
})

const carryOut = Effect.fnUntraced(function* (mailbox: Mailbox.ReadonlyMailbox<Order>) {
  const { run } = yield* ShardRun
  let current: Fiber.RuntimeFiber<void> | undefined
  while (true) {
    const order = yield* mailbox.take
    if (order._tag === "Shard") {
      // The same program has encoded them.
      const requests = yield* Effect.orDie(StoredRequests.decode(order.requests))
      current = yield* Effect.forkScoped(carryOutShard(run, order.shard, requests))
    } else if (order._tag === "Stop" && current !== undefined) {
      yield* Fiber.interrupt(current)
    }
  }
})

const carryOutShard = (
  run: (typeof ShardRun.Service)["run"],
  shard: Shard,
  requests: ReadonlyArray<DownloadRequest>
): Effect.Effect<void> => {
  const places = new Map(requests.map((request, place) => [request, place] as const))
  let waiting: Array<readonly [place: number, outcome: DownloadOutcome]> = []
  let timer: NodeJS.Timeout | undefined
  const flush = (): void => {
    clearTimeout(timer)
    timer = undefined
    if (waiting.length > 0) {
      send({ _tag: "Outcomes", outcomes: waiting })
      waiting = []
    }
  }
  // A message for each outcome takes a seventh of the time of small files.
  const add = (outcomes: Chunk.Chunk<DownloadOutcome>) =>
    Effect.sync(() => {
      for (const outcome of outcomes) {
        waiting.push([places.get(outcome.request) ?? 0, outcome])
      }
      timer ??= setTimeout(flush, flushMillis)
    })
  const all = run(shard, Stream.fromIterable(requests))
  // The parent waits for `Ended` also after `Stop`.
  return Effect.uninterruptibleMask((restore) =>
    Effect.map(Effect.exit(restore(Stream.runForEachChunk(all, add))), (exit) => {
      flush()
      send({
        _tag: "Ended",
        ...(Exit.isFailure(exit) && !Cause.isInterruptedOnly(exit.cause)
          ? { defect: displayText(Cause.pretty(exit.cause).split("\n", 1)[0] ?? "") }
          : {})
      })
    })
  )
}

/** How long an outcome waits for others. */
const flushMillis = 20
