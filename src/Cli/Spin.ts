/**
 * `halyard spin`: the spinner of the chapter, or a spinner beside any command.
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type { Action, Command } from "./commandLine/Command.js"
import { choice, flag, readOptions, text } from "./commandLine/Option.js"
import { UsageError } from "./UsageError.js"

const output = {
  message: text("-m, --message TEXT", "Text beside the spinner (default: the command)", Either.right<string>)
}

const behaviour = {
  engine: choice("--engine ENGINE", "Turn the spinner in a fiber (default) or thread", ["fiber", "thread"]),
  blocking: flag("--blocking", "Block the fiber engine: no frame appears")
}

export const command: Command = {
  name: "spin",
  usage: "[OPTION]... [--] [COMMAND [ARGUMENT]...]",
  summary: "Turn a spinner beside a command, or beside a slow function.",
  examples: [
    ['halyard spin -m "running tests" -- npm test', "a message"],
    ["halyard spin sleep 1", "the command is the message"],
    ["halyard spin", "the function of the chapter"],
    ["halyard spin --engine thread", "the spinner in a thread"]
  ],
  argument: { name: "COMMAND...", description: "Command to run (default: a function of 3 s)" },
  groups: { Input: {}, Output: output, Behaviour: behaviour },
  notes: [
    "--engine and --blocking are for the function. It waits in the fiber engine, and",
    "blocks the main thread in the thread engine and with --blocking.",
    "Exit code: that of the command, 126 or 127 if it cannot be run."
  ],
  stopsAtArgument: true,
  read: (line) =>
    Either.map(
      readOptions({ ...output, ...behaviour }, line.options),
      ({ blocking, engine, message }): Action =>
        Effect.gen(function* () {
          const commandLine = line.positional
          if (commandLine.length > 0) {
            if (blocking || engine !== undefined) {
              return yield* new UsageError({
                message: "--engine and --blocking are for the function, not for a COMMAND"
              })
            }
            const { runWithSpinner } = yield* Effect.promise(() => import("./Spin/command.js"))
            return yield* runWithSpinner(commandLine, message ?? commandLine.join(" "))
          }
          const threaded = engine === "thread"
          if (blocking && threaded) {
            return yield* new UsageError({ message: "--blocking is for --engine fiber; --engine thread always blocks" })
          }
          const { answer } = yield* Effect.promise(() => import("./Spin/answer.js"))
          return yield* answer({ blocking, threaded, message: message ?? "thinking!" })
        })
    )
}
