/**
 * `halyard spin`: the chapter's spinner, or a spinner beside any command.
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type { Action } from "./Action.js"
import { argumentsOf, type Command, given } from "./Command.js"
import { choice, flag, text } from "./options.js"
import { UsageError } from "./UsageError.js"

const options = {
  message: text(
    {
      name: "message",
      metavar: "TEXT",
      aliases: ["m"],
      description: "What stands beside the spinner; default: thinking!, or the command."
    },
    (message) => Either.right(message)
  ),
  engine: choice({
    name: "engine",
    choices: ["fiber", "thread"],
    description:
      "fiber: the function waits without blocking, and the spinner is a fiber beside it. thread: the function blocks the main thread, and the spinner is a worker thread."
  }),
  blocking: flag({
    name: "blocking",
    description: "Let the function block although the spinner is a fiber: no frame appears."
  })
}

const commandLine = {
  name: "COMMAND",
  description: "A command to run, with its arguments; without it, the chapter's function of 3 seconds.",
  isRepeated: true,
  problem: () => undefined
}

export const command: Command = {
  name: "spin",
  description: "Turn a spinner beside a slow function, or beside a command.",
  options,
  argument: commandLine,
  passThrough: true,
  read: (line) =>
    Either.map(
      Either.all({
        commandLine: argumentsOf(line, commandLine),
        message: given(line, options.message),
        engine: given(line, options.engine),
        blocking: given(line, options.blocking)
      }),
      ({ blocking, commandLine, engine, message }): Action =>
        Effect.gen(function* () {
          if (commandLine.length > 0) {
            if (blocking || engine !== undefined) {
              return yield* new UsageError({ rule: "--engine and --blocking are for the function, not for a COMMAND" })
            }
            const { beside } = yield* Effect.promise(() => import("./Spin/command.js"))
            return yield* beside(commandLine, message ?? commandLine.join(" "))
          }
          const threaded = engine === "thread"
          if (blocking && threaded) {
            return yield* new UsageError({ rule: "--blocking is for --engine fiber; --engine thread always blocks" })
          }
          const { answer } = yield* Effect.promise(() => import("./Spin/answer.js"))
          return yield* answer({ blocking, threaded, message: message ?? "thinking!" })
        })
    )
}
