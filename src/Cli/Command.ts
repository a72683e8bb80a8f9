/**
 * A command as it is declared, once: for the reader of command lines, for help and for completions.
 */
import type * as FileSystem from "@effect/platform/FileSystem"
import type * as Path from "@effect/platform/Path"
import type * as Effect from "effect/Effect"
import type * as Either from "effect/Either"
import type { Spinner } from "../Spinner.js"
import type { StatusLine } from "../StatusLine.js"
import type { Host } from "./Host.js"
import { choice, flag, type Option, type Options } from "./Option.js"
import type { Line } from "./parse.js"

/**
 * The action of a command line. It succeeds with the exit code. The message of its error is one sentence for the user.
 */
export type Action = Effect.Effect<
  number,
  { readonly _tag: string; readonly message: string },
  Host | Spinner | StatusLine | FileSystem.FileSystem | Path.Path
>

/** What help says of a command, or of the program. */
export interface Help {
  /** The line after the name of the command. */
  readonly usage: string
  /** One sentence. */
  readonly summary: string
  /** A command line that can be run, and what it does. */
  readonly examples: ReadonlyArray<readonly [line: string, comment: string]>
  /** Lines at the end. */
  readonly notes: ReadonlyArray<string>
}

export interface Command extends Help {
  readonly name: string
  readonly argument: { readonly name: string; readonly description: string }
  /** The options under the title that help gives them, in the order of the help. */
  readonly groups: Readonly<Record<string, Options>>
  /** True if all that follows the first argument belongs to it, as for a command that runs another. */
  readonly stopsAtArgument: boolean
  /** Reads a line, or says which rule it breaks. Nothing is run yet, and only what the action needs is loaded. */
  readonly read: (line: Line) => Either.Either<Action, string>
}

/** The options that every command has. */
export const builtIns = {
  help: flag({ names: ["-h", "--help"], description: "Show this help" }),
  version: flag({ names: ["--version"], description: "Print the version" }),
  completions: choice({
    names: ["--completions"],
    metavar: "SHELL",
    choices: ["bash", "zsh", "fish", "sh"],
    description: "Print a completion script for bash, zsh or fish"
  })
}

/** All options of a command, without those that every command has. */
export const optionsOf = ({ groups }: Command): ReadonlyArray<Option<unknown>> =>
  Object.values(groups).flatMap((group) => Object.values(group))
