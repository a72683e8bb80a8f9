/**
 * The command line: which commands there are, and how a line becomes an exit code.
 *
 * A line that can be carried out is read by `Cli/arguments` and the rules of the command's own options. For all else,
 * such as help and completions, there is `@effect/cli`, which is loaded then. What that leaves to
 * wish for stands here and in `Cli/arguments`: options anywhere on the line, a suggestion for a misspelt one, one
 * sentence for each error, and no escape sequence where nobody can see colours.
 *
 * @since 0.1.0
 */

import type * as CliApp from "@effect/cli/CliApp"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import type { Action } from "./Cli/Action.js"
import * as Arguments from "./Cli/arguments.js"
import { type Command, isPlain, specOf } from "./Cli/Command.js"
import * as Flags from "./Cli/Flags.js"
import * as Get from "./Cli/Get.js"
import { Host } from "./Cli/Host.js"
import { tidy } from "./Cli/help.js"
import * as Serve from "./Cli/Serve.js"
import * as Spin from "./Cli/Spin.js"
import { UsageError } from "./Cli/UsageError.js"
import * as Printable from "./internal/text/printable.js"
import type { Spinner } from "./Spinner.js"
import { StatusLine } from "./StatusLine.js"

export {
  /**
   * What `run` asks of the machine beyond `@effect/platform`.
   *
   * @category tags
   * @since 0.1.0
   */
  Host
}

const program = "halyard"

const description = "Fetches files concurrently and shows its work."

const commands: readonly [Command, ...Array<Command>] = [Get.command, Flags.command, Spin.command, Serve.command]

/**
 * Runs a command line, without the program's name, to its exit code: 0 where all went well, 1 where something failed, 2
 * where the line itself is wrong. Results go to standard output, everything else to the screen; errors as one sentence.
 *
 * @category running
 * @since 0.1.0
 */
export const run = (
  argv: ReadonlyArray<string>,
  version: string
): Effect.Effect<number, never, Host | Spinner | StatusLine | CliApp.CliApp.Environment> =>
  Effect.gen(function* () {
    // Decoding has changed this argument, so it names something else. It may be a secret, so the error does not show it.
    const changed = argv.some((argument) => argument.includes("\ufffd")) ? (yield* Host).notUtf8(argv) : undefined
    if (changed !== undefined) {
      return yield* new UsageError({ rule: `argument ${changed + 1} has bytes that are not UTF-8` })
    }
    const { line, logLevel, plain } = yield* read(argv)
    const action = yield* plain === undefined ? choose(line, version) : Effect.succeed(plain)
    return yield* logLevel === undefined ? action : Logger.withMinimumLogLevel(action, logLevel)
  }).pipe(
    Effect.catchAll((error) =>
      Effect.map(StatusLine, (statusLine) => {
        statusLine.line(`${nameOf(argv)}: ${sentence(error.message)}`)
        return error._tag === "UsageError" ? 2 : error._tag === "CommandError" ? commandExitCode(error) : 1
      })
    )
  )

const globalSpec: Arguments.Spec = { options: Arguments.builtIns, passThrough: true }

/** A line in the form in which `@effect/cli` takes it, and what it says about logging. */
interface Read {
  readonly line: ReadonlyArray<string>
  readonly logLevel: LogLevel.LogLevel | undefined
  /** What it stands for, where `@effect/cli` has nothing to add. */
  readonly plain: Action | undefined
}

/** Reads what stands before the command and what follows it, or says what is wrong with it. */
const read = (argv: ReadonlyArray<string>): Either.Either<Read, UsageError> =>
  Either.gen(function* () {
    const before = yield* Either.mapLeft(Arguments.parse(globalSpec, argv), (rule) =>
      rule.startsWith("unknown option") ? (misplaced(argv) ?? rule) : rule
    )
    const [name, ...rest] = before.positional
    const command = commands.find((candidate) => candidate.name === name)
    if (name !== undefined && command === undefined) {
      return yield* Either.left(
        Arguments.unknown(
          "command",
          name,
          commands.map((candidate) => candidate.name)
        )
      )
    }
    const spec = command === undefined ? undefined : specOf(command)
    const after =
      spec === undefined
        ? { options: [], positional: [] }
        : yield* Arguments.parse({ ...spec, options: [...spec.options, ...Arguments.builtIns] }, rest)
    const builtIn = (option: string) =>
      [...before.options, ...after.options].find((candidate) => candidate.name === option)?.values
    const own = { ...after, options: after.options.filter(isOwn) }
    const named = name === undefined ? [] : [name]
    const level = builtIn("--log-level")?.[0]
    const asked = ["--help", "--version", "--completions", "--wizard"].find((option) => builtIn(option) !== undefined)
    // `@effect/cli` drops an empty value of an option that may be repeated, so the command's own rules come first.
    const meant = asked === undefined && command !== undefined ? yield* command.read(own) : undefined
    return {
      line:
        asked === undefined
          ? [...named, ...Arguments.canonical(own)]
          : [...(asked === "--help" || asked === "--wizard" ? named : []), asked, ...(builtIn(asked) ?? [])],
      logLevel: LogLevel.allLevels.find((candidate) => candidate._tag.toLowerCase() === level),
      plain: isPlain(own) ? meant : undefined
    }
  }).pipe(Either.mapLeft((rule) => new UsageError({ rule })))

/** What to say of a command's option that stands before the command. */
const misplaced = (argv: ReadonlyArray<string>): string | undefined => {
  const unknown = argv.find((argument) => argument.startsWith("-") && !isGlobal(argument)) ?? ""
  const name = unknown.replace(/^(--[^=]*|-.).*$/s, "$1")
  const having = commands.filter((command) => specOf(command).options.some(({ names }) => names.includes(name)))
  const [meant] = having.filter((command) => argv.includes(command.name))
  return having.length === 0
    ? undefined
    : meant === undefined
      ? `option '${name}' belongs after a command: ${having.map((command) => command.name).join(", ")}`
      : `option '${name}' belongs after the command: ${program} ${meant.name} ${name}`
}

const isGlobal = (argument: string): boolean =>
  Arguments.builtIns.some(({ names }) => names.includes(argument.replace(/=.*$/s, "")))

const isOwn = ({ name }: { readonly name: string }): boolean =>
  !Arguments.builtIns.some((builtIn) => builtIn.names.includes(name))

/** Lets `@effect/cli` read the line. What it prints by itself (help, version, completions) is an action like others. */
const choose = (
  line: ReadonlyArray<string>,
  version: string
): Effect.Effect<Action, UsageError, CliApp.CliApp.Environment | Host> =>
  Effect.gen(function* () {
    const { stdout } = yield* Host
    const { asksFor, read } = yield* Effect.promise(() => import("./Cli/effectCli.js"))
    if (asksFor(line, "--wizard") && !stdout.isTerminal) {
      return yield* new UsageError({ rule: "--wizard needs a terminal" })
    }
    const { chosen, printed } = yield* read(
      { name: program, description, version, hasColors: stdout.hasColors, commands },
      line
    )
    if (chosen !== undefined) {
      return yield* Either.mapLeft(chosen.command.read(chosen.line), (rule) => new UsageError({ rule }))
    }
    return Effect.sync(() => {
      // A completion script is for a shell, and its blanks are.
      const text = asksFor(line, "--completions") ? completions(printed) : `${tidy(printed, program)}\n`
      stdout.write(stdout.hasColors ? text : Printable.withoutEscapes(text))
      return 0
    })
  })

// In the script for bash the values of an option stand as one word.
const completions = (script: string): string =>
  script.replace(/compgen -W "([^"$]+)"/g, (_, values: string) => `compgen -W "${values.replaceAll(",", " ")}"`)

const sentence = (message: string): string => Printable.line(message).replace(/\.$/, "")

const nameOf = (argv: ReadonlyArray<string>): string => {
  const name = argv.find((argument) => !argument.startsWith("-"))
  return name !== undefined && commands.some((command) => command.name === name) ? `${program} ${name}` : program
}

// What a shell answers for a command that it cannot run (POSIX.1 §2.8.2).
const commandExitCode = (error: { readonly message: string }): number =>
  "reason" in error && error.reason === "missing" ? 127 : 126
