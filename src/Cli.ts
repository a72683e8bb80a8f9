/**
 * The command line: which commands there are, and how a command line becomes an exit code.
 *
 * @since 0.1.0
 */
import type * as FileSystem from "@effect/platform/FileSystem"
import type * as Path from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Cancel from "./Cli/Cancel.js"
import * as Clean from "./Cli/Clean.js"
import * as Config from "./Cli/Config.js"
import { type Action, builtIns, type Command, type Help, optionsOf } from "./Cli/commandLine/Command.js"
import { type Option, readOptions } from "./Cli/commandLine/Option.js"
import { type Line, parse, suggestion } from "./Cli/commandLine/parse.js"
import * as Flags from "./Cli/Flags.js"
import { explained, misread } from "./Cli/Get/foreignOptions.js"
import * as Get from "./Cli/Get.js"
import { Host } from "./Cli/Host.js"
import * as Report from "./Cli/Report.js"
import * as Runner from "./Cli/Runner.js"
import * as Serve from "./Cli/Serve.js"
import * as Spin from "./Cli/Spin.js"
import * as Status from "./Cli/Status.js"
import * as Submit from "./Cli/Submit.js"
import { UsageError } from "./Cli/UsageError.js"
import { displayLabel } from "./internal/text/displayUrl.js"
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

const name = "halyard"

const program: Help = {
  usage: "[COMMAND] [OPTION]... [ARGUMENT]...",
  summary: "Download files, many at a time, each whole or not at all.",
  examples: [
    ["halyard https://example.com/data.zip", "the same as halyard get"],
    ["halyard get -i urls.txt -d files", "a list of URLs"]
  ],
  notes: ["'halyard COMMAND --help' shows the options of a command."]
}

const commands: ReadonlyArray<Command> = [
  Get.command,
  Clean.command,
  Report.command,
  Flags.command,
  Spin.command,
  Serve.command,
  Config.command,
  Submit.command,
  Runner.command,
  Status.command,
  Cancel.command
]

/** The command that a line without a command means. */
const implied = Get.command

/**
 * Runs a command line, without the program's name, to its exit code: 0 if all went well, 1 if something failed, 2 if the line
 * itself is wrong. Results go to standard output, everything else to the screen. An error is one sentence.
 *
 * @category running
 * @since 0.1.0
 */
export const run = (
  argv: ReadonlyArray<string>,
  version: string
): Effect.Effect<number, never, Host | Spinner | StatusLine | FileSystem.FileSystem | Path.Path> =>
  Effect.gen(function* () {
    // Decoding has changed this argument, so it names something else. It may be a secret, so the error does not show it.
    const changed = argv.some((argument) => argument.includes("\ufffd")) ? (yield* Host).notUtf8(argv) : undefined
    if (changed !== undefined) {
      return yield* new UsageError({ message: `argument ${changed + 1} has bytes that are not UTF-8` })
    }
    return yield* yield* Either.mapLeft(read(argv, version), (message) => new UsageError({ message }))
  }).pipe(
    Effect.catchAll((error) =>
      Effect.map(StatusLine, (statusLine) => {
        statusLine.line(`${nameOf(argv)}: ${Printable.line(error.message).replace(/\.$/, "")}`)
        return error._tag === "UsageError" ? 2 : error._tag === "CommandError" ? commandExitCode(error) : 1
      })
    )
  )

/**
 * Returns the man page of the program, in the language of man(7).
 *
 * @category running
 * @since 0.2.0
 */
export const manual = (version: string): Promise<string> =>
  import("./Cli/commandLine/manual.js").then(({ page }) => page(name, version, program, commands))

/** The action of a command line, or the rule that the line breaks. */
const read = (argv: ReadonlyArray<string>, version: string): Either.Either<Action, string> =>
  Either.flatMap(Either.mapLeft(understood(argv), isForGet(argv) ? explained : (rule) => rule), ([command, line]) =>
    Either.flatMap(readOptions(builtIns, line.options), ({ completions, help, version: isVersion }) =>
      completions !== undefined
        ? Either.right(
            print(
              Effect.map(
                Effect.promise(() => import("./Cli/commandLine/completions.js")),
                ({ script }) => script(completions, { name, commands, implied })
              )
            )
          )
        : isVersion && !help
          ? Either.right(print(Effect.succeed(`${version}\n`)))
          : help || command === undefined
            ? Either.right(
                print(
                  Effect.map(
                    Effect.promise(() => import("./Cli/commandLine/help.js")),
                    (help) => helpOf(help, command)
                  )
                )
              )
            : command.read(line, version)
    )
  )

const understood = (argv: ReadonlyArray<string>): ReturnType<typeof split> => {
  const problem = isForGet(argv) ? misread(argv) : undefined
  return problem === undefined ? split(argv) : Either.left(problem)
}

const isForGet = (argv: ReadonlyArray<string>): boolean =>
  !commands.some((command) => command !== implied && command.name === argv.find((text) => !text.startsWith("-")))

const print = (text: Effect.Effect<string>): Action =>
  Effect.flatMap(Host, ({ stdout }) =>
    Effect.map(text, (printed) => {
      stdout.write(printed)
      return 0
    })
  )

const helpOf = (
  { ofCommand, ofProgram }: typeof import("./Cli/commandLine/help.js"),
  command: Command | undefined
): string => (command === undefined ? ofProgram(name, program, commands) : ofCommand(name, command))

const builtInOptions = Object.values(builtIns)

/** The command of a line, and its options and arguments. A line without either asks for the help of the program. */
const split = (argv: ReadonlyArray<string>): Either.Either<readonly [Command | undefined, Line], string> =>
  Either.gen(function* () {
    const known = [...builtInOptions, ...optionsOf(implied)]
    const before = yield* Either.mapLeft(
      parse(known, argv, { stopsAtArgument: true }),
      (rule) => (rule.startsWith("unknown option") ? misplaced(argv) : undefined) ?? rule
    )
    const isImplied = Array.from(before.options.keys()).some((option) => !isBuiltIn(option))
    const [first, ...rest] = before.positional
    if (first === undefined || isUrl(first)) {
      const line = yield* parse(known, argv, implied)
      return [first === undefined && !isImplied ? undefined : implied, line] as const
    }
    const command = commands.find((candidate) => candidate.name === first)
    if (command === undefined) {
      return yield* Either.left(notACommand(first))
    }
    if (isImplied) {
      return yield* Either.left(misplaced(argv) ?? `the options belong after the command ${first}`)
    }
    const after = yield* parse([...builtInOptions, ...optionsOf(command)], rest, command)
    return [command, { ...after, options: new Map([...before.options, ...after.options]) }] as const
  })

const isBuiltIn = (option: Option<unknown>): boolean => builtInOptions.some((builtIn) => builtIn === option)

const isUrl = (text: string): boolean => /^(?:https?:|[a-z][a-z\d+.-]*:\/\/)/i.test(text)

const notACommand = (text: string): string => {
  const meant = suggestion(
    text,
    commands.map((command) => command.name)
  )
  const shown = Printable.excerpt(displayLabel(text))
  return meant !== undefined
    ? `unknown command '${shown}'; did you mean '${meant}'?`
    : /[./:]/.test(text)
      ? `'${shown}' is neither a command nor a URL; did you mean 'https://${shown}', or '-i ${shown}' for a list?`
      : `unknown command '${shown}'; see '${name} --help'`
}

/** The error for an option before the command that has it. */
const misplaced = (argv: ReadonlyArray<string>): string | undefined => {
  const given = argv.find((argument) => argument.startsWith("-") && argument !== "--" && !isBuiltInName(argument)) ?? ""
  const option = given.replace(/^(--[^=]*|-.).*$/s, "$1")
  const having = commands.filter((command) => optionsOf(command).some(({ names }) => names.includes(option)))
  const [meant] = having.filter((command) => argv.includes(command.name))
  return meant !== undefined
    ? `option '${option}' belongs after the command: ${name} ${meant.name} ${option}`
    : having.length === 0 || argv.some(isUrl)
      ? undefined
      : `option '${option}' belongs after a command: ${having.map((command) => command.name).join(", ")}`
}

const isBuiltInName = (argument: string): boolean =>
  builtInOptions.some(({ names }) => names.includes(argument.replace(/=.*$/s, "")))

const nameOf = (argv: ReadonlyArray<string>): string => {
  const first = argv.find((argument) => !argument.startsWith("-"))
  return commands.some((command) => command.name === first) ? `${name} ${first}` : name
}

// The exit codes of a shell for a command that it cannot run (POSIX.1 §2.8.2).
const commandExitCode = (error: { readonly message: string }): number =>
  "reason" in error && error.reason === "missing" ? 127 : 126
