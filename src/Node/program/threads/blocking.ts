/**
 * Blocks the main thread, alone or while a worker thread turns a spinner.
 */
import { Worker } from "node:worker_threads"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberId from "effect/FiberId"
import { clip, displayWidth } from "../../../internal/text/displayWidth.js"
import * as Printable from "../../../internal/text/printable.js"
import type { Screen } from "../../../Screen.js"
import * as Spinner from "../../../Spinner.js"
import type { Signals } from "../process/signals.js"
import type { WorkerRole } from "./workerRole.js"

/** Blocks for this time. No fiber and no signal handler runs in the meantime. */
export const block = (duration: Duration.Duration): Effect.Effect<void> =>
  Effect.sync(() => {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Duration.toMillis(duration))
  })

/** Blocks while a worker thread turns a spinner. Then it signals the thread to stop, and waits for its end. */
export const blockWithSpinner = (
  signals: Signals,
  screen: typeof Screen.Service,
  workerUrl: URL,
  duration: Duration.Duration,
  spinner: { readonly message: string; readonly onStart: (thread: string) => void }
): Effect.Effect<void> =>
  Effect.suspend(() => {
    const message = Printable.line(spinner.message)
    if (!screen.isTerminal) {
      screen.write(`${message}\n`)
    }
    const frames = screen.isTerminal
      ? Spinner.defaults.frames.map((frame) => clip(`${frame} ${message}`, screen.columns() - 1))
      : []
    const signal = new SharedArrayBuffer(4)
    const role: WorkerRole = {
      halyard: "spinner",
      frames,
      width: Math.max(0, ...frames.map(displayWidth)),
      intervalMillis: Duration.toMillis(Spinner.defaults.interval),
      signal
    }
    return Effect.acquireUseRelease(
      start(workerUrl, role),
      ({ thread }) => {
        spinner.onStart(`Worker(thread ${thread.threadId}, running)`)
        return signals.withoutHandlers(block(duration))
      },
      ({ ended }) =>
        Effect.suspend(() => {
          const flag = new Int32Array(signal)
          Atomics.store(flag, 0, 1)
          Atomics.notify(flag, 0)
          return ended
        })
    )
  })

const start = (workerUrl: URL, role: WorkerRole) =>
  Effect.async<{ readonly thread: Worker; readonly ended: Effect.Effect<void> }>((resume) => {
    const thread = new Worker(workerUrl, { workerData: role })
    const ended = Deferred.unsafeMake<void>(FiberId.none)
    thread.once("exit", () => Deferred.unsafeDone(ended, Exit.void))
    thread.once("error", (error) => resume(Effect.die(error)))
    // A thread cannot start while this one is blocked.
    thread.once("online", () => resume(Effect.succeed({ thread, ended: Deferred.await(ended) })))
  })
