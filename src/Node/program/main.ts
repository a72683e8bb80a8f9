/**
 * Runs the command line as a process: signals, exit codes, and failures of the output.
 */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Cli from "../../Cli.js"
import { Screen } from "../../Screen.js"
import * as Spinner from "../../Spinner.js"
import { StatusLine } from "../../StatusLine.js"
import * as NodeScreen from "../Screen.js"
import * as NodeHost from "./Host.js"
import * as StandardOutput from "./output/standardOutput.js"
import * as Nohup from "./process/nohup.js"
import * as Signals from "./process/signals.js"
import * as Terminals from "./process/terminals.js"

const signalNumbers: { readonly [signal in Signals.Signal]: number } = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 }

// A runner such as npm passes on a Ctrl-C that the terminal has sent to this process as well. Two signals within this time count as
// one. A user takes longer for two.
const sameSignalMillis = 300

const showCursor = "\u001b[?25h"

export const main = (version: string, workerUrl: URL): void => {
  let interrupted: { readonly exitCode: number } | undefined
  let endsAtOnce = false

  const interrupt = (exitCode: number): void => {
    if (interrupted === undefined) {
      interrupted = { exitCode }
      // Real time, without a reference. A signal that arrived while the event loop was blocked is handled before the immediate.
      setTimeout(() => setImmediate(() => (endsAtOnce = true)), sameSignalMillis).unref()
    }
    // A write may fail after the program has ended.
    process.exitCode = interrupted.exitCode
    fiber.unsafeInterruptAsFork(fiber.id())
  }
  const showTheCursor = (): void => {
    if (Terminals.supportsEscapes(process.stderr)) {
      StandardOutput.screen().write(showCursor)
    }
  }
  let suspendStatusLine = () => {}
  const ignoresHangups = Nohup.ignoresHangups()
  const signals = Signals.open(
    () => {
      suspendStatusLine()
      showTheCursor()
    },
    (signal) => {
      const exitCode = 128 + signalNumbers[signal]
      if (endsAtOnce) {
        suspendStatusLine()
        showTheCursor()
        process.exit(exitCode)
      }
      interrupt(exitCode)
    },
    { ignoresHangups }
  )
  StandardOutput.stopBlocking()
  StandardOutput.onError(interrupt, () => interrupted !== undefined, ignoresHangups)
  process.once("exit", () => {
    // After an error that nothing has caught, and if the program has not stopped in time after a signal.
    suspendStatusLine()
    // A second signal may end the process within a turn of the event loop.
    StandardOutput.flush()
    // A signal handler cannot run any more, because no turn of the event loop follows.
    signals.close()
  })

  const program = Layer.tap(layer(signals, workerUrl), (context) =>
    Effect.sync(() => {
      suspendStatusLine = Context.get(context, StatusLine).suspend
    })
  )
  const fiber = Effect.runFork(Cli.run(process.argv.slice(2), version).pipe(Effect.provide(program)))
  fiber.addObserver((exit) => {
    signals.close()
    StandardOutput.flush()
    // Every operation on a closed terminal fails. SIGHUP may arrive after such a failure.
    const isHangup = Exit.isFailure(exit) && !ignoresHangups && Terminals.isClosed()
    if (Exit.isFailure(exit) && !Cause.isInterruptedOnly(exit.cause) && !isHangup) {
      StandardOutput.screen().write(`${Cause.pretty(exit.cause)}\n`)
    }
    const exitCode = interrupted?.exitCode ?? (Exit.isSuccess(exit) ? exit.value : isHangup ? 129 : 1)
    process.exitCode = exitCode
    if (interrupted !== undefined || signals.wasReceived()) {
      // Standard input or a stopped terminal may still keep the process alive.
      StandardOutput.whenTaken(() => process.exit(exitCode))
    }
  })
}

const layer = (signals: Signals.Signals, workerUrl: URL) =>
  Layer.mergeAll(NodeHost.layer(signals, workerUrl), Spinner.layer, NodeFileSystem.layer, NodePath.layer).pipe(
    Layer.provideMerge(screenLayer)
  )

// Standard output and standard error may be the same file or terminal.
const screenLayer = Layer.effect(
  Screen,
  Effect.map(Screen, (screen) => {
    const stream = StandardOutput.screen()
    return {
      ...screen,
      get isTerminal() {
        return Terminals.supportsEscapes(process.stderr)
      },
      write: (text: string) => {
        StandardOutput.flush()
        stream.write(text)
      },
      isBusy: () => stream.writableLength > 0
    }
  })
).pipe(Layer.provide(NodeScreen.layer))
