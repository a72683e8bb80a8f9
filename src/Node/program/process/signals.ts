/**
 * Handles SIGINT, SIGTERM and SIGHUP. A signal interrupts the program, or is passed on to the command that it runs. While the main
 * thread is blocked, the default action of the system applies.
 */
import * as Effect from "effect/Effect"

export type Signal = "SIGINT" | "SIGTERM" | "SIGHUP"

export interface Signals {
  /** Whether the program and its commands outlive the terminal. */
  readonly ignoresHangups: boolean
  /** Whether a signal was received. */
  readonly wasReceived: () => boolean
  /** Runs an effect with `handler` for the signals. Its second argument is the handler of the program. */
  readonly withHandler: (
    handler: (signal: Signal, program: (signal: Signal) => void) => void
  ) => <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  /** Runs an effect without handlers. The system ends the process on a signal. */
  readonly withoutHandlers: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  /** Removes all handlers. */
  readonly close: () => void
}

const names: ReadonlyArray<Signal> = ["SIGINT", "SIGTERM", "SIGHUP"]

/**
 * Installs the handlers. `handle` is the handler of the program. `beforeStop` is called before a signal stops the process (Ctrl-Z)
 * or ends it with a core dump (Ctrl-\\). The default action follows. With `ignoresHangups`, SIGHUP has no effect.
 */
export const open = (
  beforeStop: () => void,
  handle: (signal: Signal) => void,
  { ignoresHangups }: { readonly ignoresHangups: boolean }
): Signals => {
  const handled = names.filter((name) => !(ignoresHangups && name === "SIGHUP"))
  let current: (signal: Signal, program: (signal: Signal) => void) => void = handle
  let isReceived = false
  const stop = () => {
    beforeStop()
    process.kill(process.pid, "SIGSTOP")
  }
  const quit = () => {
    beforeStop()
    process.removeListener("SIGQUIT", quit)
    process.kill(process.pid, "SIGQUIT")
  }
  const listeners: ReadonlyArray<readonly [NodeJS.Signals, () => void]> = [
    ["SIGTSTP", stop],
    ["SIGQUIT", quit],
    ...handled.map((name) => {
      const listener = () => {
        isReceived = true
        current(name, handle)
      }
      return [name, listener] as const
    })
  ]
  const install = () => {
    for (const [signal, listener] of listeners) {
      process.on(signal, listener)
    }
  }
  const remove = () => {
    for (const [signal, listener] of listeners) {
      process.removeListener(signal, listener)
    }
  }
  if (ignoresHangups) {
    process.on("SIGHUP", () => {})
  }
  install()
  return {
    ignoresHangups,
    wasReceived: () => isReceived,
    withHandler: (to) => (effect) =>
      Effect.acquireUseRelease(
        Effect.sync(() => {
          const before = current
          current = to
          return before
        }),
        () => effect,
        (before) =>
          Effect.sync(() => {
            current = before
          })
      ),
    withoutHandlers: (effect) =>
      Effect.acquireUseRelease(
        // A signal that has arrived is handled in the next whole turn of the event loop. So the handlers stay for one turn, and
        // are removed in the callback that ends it.
        Effect.async<void>((resume) => {
          afterTurn(() => {
            remove()
            resume(Effect.void)
          })
        }),
        () => effect,
        () => Effect.sync(install)
      ),
    close: remove
  }
}

/** Calls `then` after a whole turn of the event loop, in which pending signals are handled. */
export const afterTurn = (then: () => void): void => {
  setImmediate(() => setImmediate(then))
}
