/**
 * The command line: which commands there are, and how a line becomes an exit code.
 *
 * Parsing, help and completions are `@effect/cli`'s. What it leaves to wish for stands here and in `Cli/arguments`:
 * options anywhere on the line, a suggestion for a misspelt one, one sentence for each error, and no escape sequence
 * where nobody can see colours.
 *
 * @since 0.1.0
 */

import type * as CliApp from "@effect/cli/CliApp"
import * as CliConfig from "@effect/cli/CliConfig"
import * as Command from "@effect/cli/Command"
import * as Descriptor from "@effect/cli/CommandDescriptor"
import * as HelpDoc from "@effect/cli/HelpDoc"
import type * as ValidationError from "@effect/cli/ValidationError"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as HashMap from "effect/HashMap"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import { type Action, Chosen } from "./Cli/Action.js"
import * as Arguments from "./Cli/arguments.js"
import * as Flags from "./Cli/Flags.js"
import * as Get from "./Cli/Get.js"
import { Host } from "./Cli/Host.js"
import { tidy } from "./Cli/help.js"
import * as Serve from "./Cli/Serve.js"
import * as Spin from "./Cli/Spin.js"
import { UsageError } from "./Cli/UsageError.js"
import * as Printable from "./internal/printable.js"
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

const root = Command.make(program).pipe(
  Command.withDescription("Fetches files concurrently and shows its work."),
  Command.withSubcommands([Get.command, Flags.command, Spin.command, Serve.command])
)

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
    const { line, logLevel } = yield* read(argv)
    const action = yield* choose(line, version)
    return yield* logLevel === undefined ? action : Logger.withMinimumLogLevel(action, logLevel)
  }).pipe(
    Effect.catchAll((error) =>
      Effect.map(StatusLine, (statusLine) => {
        statusLine.line(`${nameOf(argv)}: ${sentence(error.message)}`)
        return error._tag === "UsageError" ? 2 : error._tag === "CommandError" ? commandExitCode(error) : 1
      })
    )
  )

const subcommands: ReadonlyMap<string, Descriptor.Command<unknown>> = new Map(
  HashMap.toEntries(Descriptor.getSubcommands(root.descriptor))
)

const globalSpec: Arguments.Spec = { options: Arguments.builtIns, passThrough: true }

/** A line in the form in which `@effect/cli` takes it, and what it says about logging. */
interface Read {
  readonly line: ReadonlyArray<string>
  readonly logLevel: LogLevel.LogLevel | undefined
}

/** Reads what stands before the command and what follows it, or says what is wrong with it. */
const read = (argv: ReadonlyArray<string>): Either.Either<Read, UsageError> =>
  Either.gen(function* () {
    const before = yield* Arguments.parse(globalSpec, argv)
    const [name, ...rest] = before.positional
    const descriptor = name === undefined ? undefined : subcommands.get(name)
    if (name !== undefined && descriptor === undefined) {
      return yield* Either.left(Arguments.unknown("command", name, Array.from(subcommands.keys())))
    }
    const after =
      descriptor === undefined
        ? { options: [], positional: [] }
        : yield* Arguments.parse(Arguments.specOf(Descriptor.getUsage(descriptor), name === "spin"), rest)
    const builtIn = (option: string) =>
      [...before.options, ...after.options].find((candidate) => candidate.name === option)?.values
    const command = name === undefined ? [] : [name]
    const level = builtIn("--log-level")?.[0]
    const asked = ["--help", "--version", "--completions", "--wizard"].find((option) => builtIn(option) !== undefined)
    return {
      line:
        asked === undefined
          ? [...command, ...Arguments.canonical({ ...after, options: after.options.filter(isOwn) })]
          : [...(asked === "--help" || asked === "--wizard" ? command : []), asked, ...(builtIn(asked) ?? [])],
      logLevel: LogLevel.allLevels.find((candidate) => candidate._tag.toLowerCase() === level)
    }
  }).pipe(Either.mapLeft((rule) => new UsageError({ rule })))

const isOwn = ({ name }: { readonly name: string }): boolean =>
  !Arguments.builtIns.some((builtIn) => builtIn.names.includes(name))

/** Lets `@effect/cli` read the line. What it prints by itself (help, version, completions) is an action like others. */
const choose = (
  line: ReadonlyArray<string>,
  version: string
): Effect.Effect<Action, UsageError, CliApp.CliApp.Environment | Host> =>
  Effect.gen(function* () {
    const { stdout } = yield* Host
    let chosen: Action | undefined
    let printed = ""
    const capture = (text: unknown) =>
      Effect.sync(() => {
        printed += `${String(text)}\n`
      })
    const reading = Command.run(root, { name: program, version })(["node", program, ...line]).pipe(
      Effect.provideService(Chosen, {
        set: (action) =>
          Effect.sync(() => {
            chosen = action
          })
      }),
      Effect.provide(CliConfig.layer({ isCaseSensitive: true })),
      Effect.mapError((error) => new UsageError({ rule: ruleOf(error) }))
    )
    if (line.includes("--wizard")) {
      if (!stdout.isTerminal) {
        return yield* new UsageError({ rule: "--wizard needs a terminal" })
      }
      yield* reading
    } else {
      yield* Console.consoleWith((console) =>
        Effect.withConsole(reading, { ...console, log: capture, error: () => Effect.void })
      )
    }
    return (
      chosen ??
      Effect.sync(() => {
        // A completion script is for a shell, and its blanks are.
        const text = line.includes("--completions") ? completions(printed) : `${tidy(printed, program)}\n`
        stdout.write(stdout.isTerminal ? text : Printable.withoutEscapes(text))
        return 0
      })
    )
  })

// In the script for bash the values of an option stand as one word.
const completions = (script: string): string =>
  script.replace(/compgen -W "([^"$]+)"/g, (_, values: string) => `compgen -W "${values.replaceAll(",", " ")}"`)

const ruleOf = (error: ValidationError.ValidationError): string =>
  Printable.withoutEscapes(HelpDoc.toAnsiText(error.error)).replace(/\s+/g, " ").trim()

const sentence = (message: string): string => Printable.line(message).replace(/\.$/, "")

const nameOf = (argv: ReadonlyArray<string>): string => {
  const name = argv.find((argument) => !argument.startsWith("-"))
  return name !== undefined && subcommands.has(name) ? `${program} ${name}` : program
}

// What a shell answers for a command that it cannot run (POSIX.1 §2.8.2).
const commandExitCode = (error: { readonly message: string }): number =>
  "reason" in error && error.reason === "missing" ? 127 : 126
