/**
 * The declaration of a command, which the parser, the help and the completions use.
 */
import type * as FileSystem from "@effect/platform/FileSystem"
import type * as Path from "@effect/platform/Path"
import type * as Effect from "effect/Effect"
import type * as Either from "effect/Either"
import type { Spinner } from "../../Spinner.js"
import type { StatusLine } from "../../StatusLine.js"
import type { Host } from "../Host.js"
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

/** The help of a command, or of the program. */
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
  /** The options by the titles of their sections, in the order of the help. */
  readonly groups: Readonly<Record<string, Options>>
  /** True if all texts after the first argument are arguments, because the command runs another command. */
  readonly stopsAtArgument: boolean
  /**
   * Returns the action of a line, or the rule that the line violates. The action loads its own modules when it is run. `version` is
   * that of the program.
   */
  readonly read: (line: Line, version: string) => Either.Either<Action, string>
}

/** The options that every command has. */
export const builtIns = {
  help: flag("-h, --help", "Show this help"),
  version: flag("--version", "Print the version"),
  completions: choice("--completions SHELL", "Print a completion script for bash, zsh or fish", [
    "bash",
    "zsh",
    "fish",
    "sh"
  ])
}

/** All options of a command, without those that every command has. */
export const optionsOf = ({ groups }: Command): ReadonlyArray<Option<unknown>> =>
  Object.values(groups).flatMap((group) => Object.values(group))
