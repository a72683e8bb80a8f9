/**
 * `halyard serve`: the origin of the flags, to be slow and unreliable with.
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Printable from "../internal/text/printable.js"
import type { Action } from "./Action.js"
import { argumentsOf, type Command, given } from "./Command.js"
import { integer, nonEmpty, rate, secondsRange, withDefault } from "./options.js"
import { UsageError } from "./UsageError.js"

const highestPort = 65_535

const options = {
  port: integer({
    name: "port",
    metavar: "PORT",
    minimum: 0,
    maximum: highestPort,
    aliases: ["p"],
    description: "The port to listen on; 0 is any free one. Default 8001."
  }),
  bind: withDefault(
    nonEmpty({
      name: "bind",
      metavar: "ADDRESS",
      aliases: ["b"],
      description: "The address to listen on; only this machine reaches the default."
    }),
    "127.0.0.1"
  ),
  directory: nonEmpty({
    name: "directory",
    metavar: "DIR",
    aliases: ["d"],
    description: "A directory of flags, cc.gif or cc/cc.gif, instead of the ones that come along."
  }),
  delay: secondsRange({
    name: "delay",
    metavar: "MIN..MAX",
    description: "Wait so many seconds before each answer, drawn anew for each."
  }),
  errorRate: withDefault(
    rate({
      name: "error-rate",
      metavar: "RATE",
      aliases: ["e"],
      description: "Answer 418 so often: 0 never, 1 always."
    }),
    0
  ),
  seed: integer({
    name: "seed",
    metavar: "N",
    minimum: 0,
    description: "What delays and errors are drawn from: the same seed, the same sequence."
  })
}

const port = {
  name: "PORT",
  description: "The same as --port.",
  isRepeated: false,
  problem: (text: string) =>
    /^\d{1,5}$/.test(text) && Number(text) <= highestPort
      ? undefined
      : `PORT must be from 0 to ${highestPort}, not '${Printable.excerpt(text)}'`
}

export const command: Command = {
  name: "serve",
  description: "Serve the flags at /cc/cc.gif, as slowly and as unreliably as asked.",
  options,
  argument: port,
  passThrough: false,
  read: (line) =>
    Either.map(
      Either.all({
        ports: argumentsOf(line, port),
        port: given(line, options.port),
        bind: given(line, options.bind),
        directory: given(line, options.directory),
        delay: given(line, options.delay),
        errorRate: given(line, options.errorRate),
        seed: given(line, options.seed)
      }),
      ({ bind, ports, port, ...others }): Action =>
        Effect.gen(function* () {
          const [positional] = ports
          if (port !== undefined && positional !== undefined) {
            return yield* new UsageError({ rule: "PORT and --port are the same: give one of them" })
          }
          const { serve } = yield* Effect.promise(() => import("./Serve/serve.js"))
          return yield* serve({ ...others, hostname: bind, port: port ?? Number(positional ?? 8001) })
        })
    )
}
