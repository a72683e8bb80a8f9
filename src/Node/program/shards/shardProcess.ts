/**
 * One process that carries out shards, as its parent sees it.
 */
import { type ChildProcess, fork } from "node:child_process"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberId from "effect/FiberId"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { ShardProcessOptions } from "../../../Cli/Host.js"
import type { Shard } from "../../../cluster/ShardRun.js"
import * as StoredRequests from "../../../Download/storedRequests.js"
import * as Download from "../../../Download.js"
import * as Unvalidated from "../../../internal/unvalidated.js"
import { Answer, Order, type Outcome } from "./messages.js"
import { role } from "./role.js"

export interface ShardProcess {
  /** Carries out a shard, one at a time. Dies if the process ends. An interruption waits until the transfers have ended. */
  readonly run: (
    shard: Shard,
    requests: ReadonlyArray<Download.DownloadRequest>
  ) => Stream.Stream<Download.DownloadOutcome>
  readonly hasEnded: () => boolean
}

/** Starts a process, which ends with the scope. */
export const start = (
  bin: string,
  { onProblem, options, processes }: ShardProcessOptions
): Effect.Effect<ShardProcess, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => open(bin, onProblem)),
      ({ child, ended, kill }) =>
        Effect.suspend(() => {
          // The process ends with its channel.
          if (child.connected) {
            child.disconnect()
          }
          const timer = setTimeout(kill, graceMillis)
          return Effect.ensuring(
            Deferred.await(ended),
            Effect.sync(() => clearTimeout(timer))
          )
        })
    ),
    (opened) => {
      opened.send({ _tag: "Begin", processes, options })
      return { run: (shard, requests) => run(opened, shard, requests), hasEnded: opened.hasEnded }
    }
  )

/** The time for transfers to end. This is real time, because the process is another one. */
const graceMillis = 5000

interface Receiver {
  readonly outcomes: (outcomes: ReadonlyArray<readonly [place: number, outcome: Outcome]>) => void
  readonly end: (defect: string | undefined) => void
}

interface Opened {
  readonly child: ChildProcess
  readonly ended: Deferred.Deferred<void>
  readonly hasEnded: () => boolean
  readonly kill: () => void
  readonly send: (order: Order) => void
  readonly receive: (receiver: Receiver | undefined) => void
}

const open = (bin: string, onProblem: (text: string) => void): Opened => {
  const child = fork(bin, [role], { stdio: ["ignore", "ignore", "inherit", "ipc"] })
  const ended = Deferred.unsafeMake<void>(FiberId.none)
  let [isOver, receiver]: [boolean, Receiver | undefined] = [false, undefined]
  const finish = (how: string): void => {
    if (!isOver) {
      isOver = true
      receiver?.end(how)
      Deferred.unsafeDone(ended, Exit.void)
    }
  }
  child.once("error", (error) => finish(`a process for shards cannot be started: ${error.message}`))
  child.once("exit", (code, signal) =>
    finish(`the process of the shard ended ${signal === null ? `with exit code ${code}` : `by ${signal}`}`)
  )
  child.on("message", (message) => {
    const answer = decode(message)
    switch (answer._tag) {
      case "Outcomes":
        receiver?.outcomes(answer.outcomes)
        break
      case "Ended":
        receiver?.end(answer.defect)
        break
      case "Line":
        onProblem(answer.text)
        break
    }
  })
  return {
    child,
    ended,
    hasEnded: () => isOver,
    kill: () => child.kill("SIGKILL"),
    send: (order) => {
      if (child.connected) {
        child.send(encode(order))
      }
    },
    receive: (next) => {
      receiver = next
    }
  }
}

const decode = Schema.decodeUnknownSync(Answer)

const encode = Schema.encodeSync(Order)

const run = (
  { hasEnded, kill, receive, send }: Opened,
  shard: Shard,
  requests: ReadonlyArray<Download.DownloadRequest>
): Stream.Stream<Download.DownloadOutcome> =>
  Stream.asyncPush<Download.DownloadOutcome>(
    (emit) =>
      Effect.acquireRelease(
        Effect.sync(() => {
          const stopped = Deferred.unsafeMake<void>(FiberId.none)
          let isRunning = true
          const end = (defect: string | undefined): void => {
            isRunning = false
            receive(undefined)
            if (defect === undefined) {
              emit.end()
            } else {
              emit.die(new ShardDefect(defect))
            }
            Deferred.unsafeDone(stopped, Exit.void)
          }
          receive({
            outcomes: (outcomes) => {
              for (const [place, outcome] of outcomes) {
                const request = requests[place]
                if (request !== undefined) {
                  emit.single(outcomeOf(outcome, request))
                }
              }
            },
            end
          })
          if (hasEnded()) {
            end("the process for the shard has ended")
          }
          send({ _tag: "Shard", shard, requests: StoredRequests.encode(requests) })
          return { stopped, isRunning: () => isRunning }
        }),
        ({ isRunning, stopped }) =>
          Effect.suspend(() => {
            if (!isRunning()) {
              return Effect.void
            }
            send({ _tag: "Stop" })
            const timer = setTimeout(kill, graceMillis)
            return Effect.ensuring(
              Deferred.await(stopped),
              Effect.sync(() => clearTimeout(timer))
            )
          })
      ),
    { bufferSize: "unbounded" }
  )

/** Why an attempt of a shard died. Its first line is in the report of the batch. */
class ShardDefect extends Error {
  override readonly name = "ShardDefect"
}

const outcomeOf = (outcome: Outcome, request: Download.DownloadRequest): Download.DownloadOutcome => {
  switch (outcome._tag) {
    case "Saved":
      // The channel has the last segment of the path.
      return Unvalidated.make(Download.Saved, { ...outcome, request, destination: request.destination })
    case "Skipped":
      return Unvalidated.make(Download.Skipped, { ...outcome, request })
    case "NotModified":
      return Unvalidated.make(Download.NotModified, { ...outcome, request })
    case "Failed":
      return Unvalidated.make(Download.Failed, { ...outcome, request })
    case "Cancelled":
      return Unvalidated.make(Download.Cancelled, { ...outcome, request })
  }
}
