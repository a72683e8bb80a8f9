/**
 * Reads the line of a command about one batch of a database.
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type * as Redacted from "effect/Redacted"
import type { Action } from "../Command.js"
import { type Options, readOptions, type Values } from "../Option.js"
import type { Line } from "../parse.js"
import type { database } from "./options.js"

/** `act` receives the id of the batch, the values of the options, and the URL of the database. */
export const read = <O extends Options & { readonly database: typeof database }>(
  line: Line,
  options: O,
  act: (id: string, values: Values<O>, url: Redacted.Redacted) => Action
): Either.Either<Action, string> => {
  const [id, ...more] = line.positional
  return id === undefined || id === "" || more.length > 0
    ? Either.left("give one ID, which halyard submit has printed")
    : Either.map(
        readOptions(options, line.options),
        (): Action =>
          Effect.gen(function* () {
            const Settled = yield* Effect.promise(() => import("./settled.js"))
            const Database = yield* Effect.promise(() => import("./database.js"))
            const texts = yield* Settled.texts(options, line.options)
            const url = yield* Either.flatMap(Settled.values({ database: options.database }, texts), ({ database }) =>
              Database.required(database)
            )
            return yield* act(id, yield* Settled.values(options, texts), url)
          })
      )
}
