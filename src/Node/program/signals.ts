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
  readonly wasHeard: () => boolean
  /** Runs an effect with the signals going to `take` instead. `program` is what takes them otherwise. */
  readonly redirected: (
    take: (signal: Signal, program: (signal: Signal) => void) => void
  ) => <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  /** Runs an effect with no handler installed, so that a signal ends the process at once, as the system does it. */
  readonly undisturbed: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  /** Takes all handlers away. */
  readonly close: () => void
}

const names: ReadonlyArray<Signal> = ["SIGINT", "SIGTERM", "SIGHUP"]

/**
 * Installs the handlers. `take` is the handler of the program. `leave` is called before a signal stops the process (Ctrl-Z) or ends
 * it with a core dump (Ctrl-\\). After `leave`, the default action follows. With `ignoresHangups`, SIGHUP has no effect.
 */
export const open = (
  leave: () => void,
  take: (signal: Signal) => void,
  { ignoresHangups }: { readonly ignoresHangups: boolean }
): Signals => {
  const taken = names.filter((name) => !(ignoresHangups && name === "SIGHUP"))
  let current: (signal: Signal, program: (signal: Signal) => void) => void = take
  let heard = false
  const handler = (signal: NodeJS.Signals): void => {
    const name = taken.find((candidate) => candidate === signal)
    if (name !== undefined) {
      heard = true
      current(name, take)
    }
  }
  const stop = () => {
    leave()
    process.kill(process.pid, "SIGSTOP")
  }
  const quit = () => {
    leave()
    process.removeListener("SIGQUIT", quit)
    process.kill(process.pid, "SIGQUIT")
  }
  const install = () => {
    process.on("SIGTSTP", stop)
    process.on("SIGQUIT", quit)
    for (const name of taken) {
      process.on(name, handler)
    }
  }
  const remove = () => {
    process.removeListener("SIGTSTP", stop)
    process.removeListener("SIGQUIT", quit)
    for (const name of taken) {
      process.removeListener(name, handler)
    }
  }
  if (ignoresHangups) {
    process.on("SIGHUP", () => {})
  }
  install()
  return {
    ignoresHangups,
    wasHeard: () => heard,
    redirected: (to) => (effect) =>
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
    undisturbed: (effect) =>
      Effect.acquireUseRelease(
        // A signal that has come already is heard in the next whole turn of the event loop, and by nobody after that: so
        // a turn is let pass, and the handlers go in the very callback that ends it.
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
