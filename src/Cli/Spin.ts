/**
 * `halyard spin`: the chapter's spinner, or a spinner beside any command.
 */
import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { type Action, Chosen } from "./Action.js"
import { UsageError } from "./UsageError.js"

const options = {
  message: Options.text("message").pipe(
    Options.withAlias("m"),
    Options.withPseudoName("TEXT"),
    Options.withDescription("What stands beside the spinner; default: thinking!, or the command."),
    Options.optional
  ),
  engine: Options.choice("engine", ["fiber", "thread"]).pipe(
    Options.withDescription(
      "fiber: the function waits without blocking, and the spinner is a fiber beside it. thread: the function blocks the main thread, and the spinner is a worker thread."
    ),
    Options.optional
  ),
  blocking: Options.boolean("blocking").pipe(
    Options.withDescription("Let the function block although the spinner is a fiber: no frame appears.")
  )
}

const commandLine = Args.text({ name: "COMMAND" }).pipe(
  Args.withDescription("A command to run, with its arguments; without it, the chapter's function of 3 seconds."),
  Args.repeated
)

export const command = Command.make(
  "spin",
  { ...options, commandLine },
  ({ blocking, commandLine, engine, message }) => {
    const action: Action = Effect.gen(function* () {
      if (commandLine.length > 0) {
        if (blocking || Option.isSome(engine)) {
          return yield* new UsageError({ rule: "--engine and --blocking are for the function, not for a COMMAND" })
        }
        const { beside } = yield* Effect.promise(() => import("./Spin/command.js"))
        return yield* beside(
          commandLine,
          Option.getOrElse(message, () => commandLine.join(" "))
        )
      }
      const threaded = Option.contains(engine, "thread")
      if (blocking && threaded) {
        return yield* new UsageError({ rule: "--blocking is for --engine fiber; --engine thread always blocks" })
      }
      const { answer } = yield* Effect.promise(() => import("./Spin/answer.js"))
      return yield* answer({ blocking, threaded, message: Option.getOrElse(message, () => "thinking!") })
    })
    return Effect.flatMap(Chosen, (chosen) => chosen.set(action))
  }
).pipe(Command.withDescription("Turn a spinner beside a slow function, or beside a command."))
