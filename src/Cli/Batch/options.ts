/**
 * The options that commands about batches share.
 */
import * as Either from "effect/Either"
import { flag, type Option, text } from "../commandLine/Option.js"
import { progressOption } from "../run/display.js"

/** Reads the URL of a database. No error shows it, because it may have a password. */
const databaseUrl = (value: string, label: string): Either.Either<string, string> =>
  /^(?:postgres(?:ql)?:\/\/|file:)./.test(value)
    ? Either.right(value)
    : Either.left(`${label} must begin with postgres://, postgresql:// or file:`)

export const database: Option<string | undefined> = text(
  "--database URL",
  "postgres://..., or file:PATH for one process",
  databaseUrl
)

export const json: Option<boolean> = flag("--json", "Print JSON")

export const progress = progressOption
