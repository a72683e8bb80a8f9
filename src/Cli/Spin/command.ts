/**
 * A spinner beside a command. The output of the command stays readable, and the exit code is the command's.
 */
import * as Effect from "effect/Effect"
import * as Printable from "../../internal/text/printable.js"
import { Spinner } from "../../Spinner.js"
import { indeterminate, StatusLine } from "../../StatusLine.js"
import * as Supervisor from "../../Supervisor.js"
import { Host } from "../Host.js"

export const runWithSpinner = Effect.fn("spin.runWithSpinner")(function* (
  commandLine: ReadonlyArray<string>,
  message: string
) {
  const host = yield* Host
  const spinner = yield* Spinner
  const statusLine = yield* StatusLine
  const exitCode = yield* Supervisor.supervise(
    // A line without a line end may be a prompt. No spinner is drawn after it.
    host.run(commandLine, (text, write) => statusLine.print(text, write, { partial: "wait" })),
    { companions: { spinner: spinner.spin({ message, tabProgress: indeterminate }) } }
  )
  if (statusLine.isTerminal) {
    statusLine.line(
      exitCode === 0 ? `✓ ${Printable.line(message)}` : `✗ ${Printable.line(message)} (exit code ${exitCode})`
    )
  }
  return exitCode
})
