/**
 * The database of a command about batches.
 */
import * as Either from "effect/Either"
import * as Redacted from "effect/Redacted"
import { UsageError } from "../UsageError.js"

/** The URL of `--database`, which the command needs. */
export const required = (url: string | undefined): Either.Either<Redacted.Redacted, UsageError> =>
  url === undefined
    ? Either.left(
        new UsageError({ message: "give the database of the batches with --database URL, or in HALYARD_DATABASE" })
      )
    : Either.right(Redacted.make(url))
