/**
 * Reads the line of a command about the batches of a database.
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type * as Redacted from "effect/Redacted"
import type { Action } from "../commandLine/Command.js"
import { type Options, readOptions, type Values } from "../commandLine/Option.js"
import type { Line } from "../commandLine/parse.js"
import { RunnerError } from "../Host.js"
import type { database } from "./options.js"

/** `act` receives the id of the batch, the values of the options, and the URL of the database. */
export const read = <O extends DatabaseOptions>(
  line: Line,
  options: O,
  act: (id: string, values: Values<O>, url: Redacted.Redacted) => Action
): Either.Either<Action, string> => {
  const [id, ...more] = line.positional
  return id === undefined || id === "" || more.length > 0
    ? Either.left("give one ID, which halyard submit has printed")
    : withDatabase(line, options, (values, url) => act(id, values, url))
}

type DatabaseOptions = Options & { readonly database: typeof database }

/** `act` receives the values of the options, and the URL of the database. */
export const withDatabase = <O extends DatabaseOptions>(
  line: Line,
  options: O,
  act: (values: Values<O>, url: Redacted.Redacted) => Action
): Either.Either<Action, string> =>
  Either.map(
    readOptions(options, line.options),
    (): Action =>
      Effect.gen(function* () {
        const OptionSources = yield* Effect.promise(() => import("./optionSources.js"))
        const Database = yield* Effect.promise(() => import("./database.js"))
        const texts = yield* OptionSources.texts(options, line.options)
        const url = yield* Either.flatMap(OptionSources.values({ database: options.database }, texts), ({ database }) =>
          Database.required(database)
        )
        return yield* Effect.mapError(act(yield* OptionSources.values(options, texts), url), withList)
      })
  )

/** Says where the ids are, if there is no such batch. */
const withList = <E extends { readonly _tag: string; readonly message: string }>(error: E): E | RunnerError =>
  error._tag === "BatchNotFound"
    ? new RunnerError({ message: `${error.message}: type 'halyard status' to see the ids` })
    : error
