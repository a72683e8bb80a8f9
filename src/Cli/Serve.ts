/**
 * `halyard serve`: the origin of the flags, with delays and errors on request.
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Printable from "../internal/text/printable.js"
import type { Action, Command } from "./commandLine/Command.js"
import { integer, nonEmpty, rate, readOptions, secondsRange, withDefault } from "./commandLine/Option.js"
import { UsageError } from "./UsageError.js"

const highestPort = 65_535

const input = {
  directory: nonEmpty("-d, --directory DIR", "Flags: cc.gif or cc/cc.gif (default: built in)", "directory")
}

const network = {
  port: integer("-p, --port PORT", "Port, 0 for any free one (default 8001)", 0, highestPort),
  bind: withDefault(nonEmpty("-b, --bind ADDRESS", "Address to listen on (default 127.0.0.1)"), "127.0.0.1")
}

const behaviour = {
  delay: secondsRange("--delay MIN..MAX", "Seconds to wait before each response"),
  errorRate: withDefault(rate("-e, --error-rate RATE", "Fraction of errors, 0 to 1 (default 0)"), 0),
  seed: integer("--seed N", "Seed of delays and errors (default: random)", 0)
}

const portOf = ([text, second]: ReadonlyArray<string>): Either.Either<number | undefined, string> =>
  second !== undefined
    ? Either.left(`the command takes one argument, and '${Printable.excerpt(second)}' is a second one`)
    : text === undefined
      ? Either.right(undefined)
      : /^\d{1,5}$/.test(text) && Number(text) <= highestPort
        ? Either.right(Number(text))
        : Either.left(`PORT must be from 0 to ${highestPort}, not '${Printable.excerpt(text)}'`)

export const command: Command = {
  name: "serve",
  usage: "[OPTION]... [PORT]",
  summary: "Serve country flags at /cc/cc.gif, with delays and errors if asked.",
  examples: [
    ["halyard serve", "http://127.0.0.1:8001/"],
    ["halyard serve -p 0 --delay 0.5..5", "any free port, slowly"],
    ["halyard serve 8002 -e 0.25 --seed 7", "the same errors each time"],
    ["halyard serve 8003 -d images", "the flags of a directory"]
  ],
  argument: { name: "PORT", description: "The same as --port" },
  groups: { Input: input, Network: network, Behaviour: behaviour },
  notes: ["An error is a response with status 418. The same seed gives the same sequence."],
  stopsAtArgument: false,
  read: (line) =>
    Either.map(
      Either.all([portOf(line.positional), readOptions({ ...input, ...network, ...behaviour }, line.options)]),
      ([positional, { bind, port, ...options }]): Action =>
        Effect.gen(function* () {
          if (port !== undefined && positional !== undefined) {
            return yield* new UsageError({ message: "PORT and --port are the same: give one of them" })
          }
          const { serve } = yield* Effect.promise(() => import("./Serve/serve.js"))
          return yield* serve({ ...options, hostname: bind, port: port ?? positional ?? 8001 })
        })
    )
}
