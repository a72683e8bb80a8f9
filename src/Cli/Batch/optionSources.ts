/**
 * The options of a command about batches: those of its line, of variables (`HALYARD_DATABASE`) and of settings files.
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { type Option, type Options, readOptions, type Texts, type Values } from "../commandLine/Option.js"
import { options as getOptions } from "../Get/options.js"
import { UsageError } from "../UsageError.js"

/** The texts of a line, and the texts of settings for options of the command that the line does not have. */
export const texts = Effect.fnUntraced(function* (declared: Options, line: Texts) {
  const { load, merged } = yield* Effect.promise(() => import("../Config/configuration.js"))
  // A settings file has options of `get` that the command does not have.
  const { settings } = yield* load({ ...getOptions, ...declared }, undefined)
  const own: ReadonlySet<Option<unknown>> = new Set(Object.values(declared))
  const ofCommand = new Map(Array.from(settings).filter(([option]) => own.has(option)))
  return (yield* merged(line, ofCommand)).texts
})

/** The values of options in texts. */
export const values = <O extends Options>(declared: O, given: Texts): Either.Either<Values<O>, UsageError> =>
  Either.mapLeft(readOptions(declared, given), (message) => new UsageError({ message }))
