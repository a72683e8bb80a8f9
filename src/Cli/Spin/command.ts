/**
 * A spinner beside a command: its output stays readable, signals reach it, and its exit code is passed on.
 */
import * as Effect from "effect/Effect"
import * as Printable from "../../internal/text/printable.js"
import { Spinner } from "../../Spinner.js"
import { StatusLine } from "../../StatusLine.js"
import * as Supervisor from "../../Supervisor.js"
import { Host } from "../Host.js"

export const beside = Effect.fn("spin.beside")(function* (commandLine: ReadonlyArray<string>, message: string) {
  const host = yield* Host
  const spinner = yield* Spinner
  const statusLine = yield* StatusLine
  const exitCode = yield* Supervisor.supervise(
    // A line that the command has not ended may be a prompt: nothing is drawn behind it.
    host.run(commandLine, (text, write) => statusLine.print(text, write, { partial: "wait" })),
    { companions: { spinner: spinner.spin({ message }) } }
  )
  if (statusLine.isTerminal) {
    statusLine.line(
      exitCode === 0 ? `✓ ${Printable.line(message)}` : `✗ ${Printable.line(message)} (exit code ${exitCode})`
    )
  }
  return exitCode
})
