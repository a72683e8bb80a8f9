/**
 * A main thread that is blocked, alone or with a worker thread that keeps a spinner turning.
 */
import { Worker } from "node:worker_threads"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { clip, displayWidth } from "../../../internal/text/displayWidth.js"
import * as Printable from "../../../internal/text/printable.js"
import type { Screen } from "../../../Screen.js"
import * as Spinner from "../../../Spinner.js"
import type { Role } from "../role.js"
import type { Signals } from "../signals.js"

/** Blocks until the time is over. No fiber and no signal handler runs meanwhile. */
export const block = (duration: Duration.Duration): Effect.Effect<void> =>
  Effect.sync(() => {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Duration.toMillis(duration))
  })

/** Blocks while a worker thread turns a spinner; then asks it to stop and waits for its end. */
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
    const role: Role = {
      halyard: "spinner",
      frames,
      width: Math.max(0, ...frames.map(displayWidth)),
      millis: Duration.toMillis(Spinner.defaults.interval),
      signal
    }
    return Effect.acquireUseRelease(
      start(workerUrl, role),
      ({ thread }) => {
        spinner.onStart(`Worker(thread ${thread.threadId}, running)`)
        return signals.undisturbed(block(duration))
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

const start = (workerUrl: URL, role: Role) =>
  Effect.async<{ readonly thread: Worker; readonly ended: Effect.Effect<void> }>((resume) => {
    const thread = new Worker(workerUrl, { workerData: role })
    let over = false
    const ended = Effect.async<void>((done) => {
      if (over) {
        done(Effect.void)
      } else {
        thread.once("exit", () => done(Effect.void))
      }
    })
    thread.once("exit", () => {
      over = true
    })
    thread.once("error", (error) => resume(Effect.die(error)))
    // Only a thread that is up goes on turning while this one is blocked.
    thread.once("online", () => resume(Effect.succeed({ thread, ended })))
  })
