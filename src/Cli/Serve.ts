/**
 * `halyard serve`: the origin of the flags, to be slow and unreliable with.
 */
import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import * as HelpDoc from "@effect/cli/HelpDoc"
import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Printable from "../internal/printable.js"
import { type Action, Chosen } from "./Action.js"
import { integer, nonEmpty, rate, secondsRange } from "./options.js"
import { UsageError } from "./UsageError.js"

const highestPort = 65_535

const options = {
  port: integer("port", "PORT", 0, highestPort).pipe(
    Options.withAlias("p"),
    Options.withDescription("The port to listen on; 0 is any free one. Default 8001."),
    Options.optional
  ),
  bind: nonEmpty("bind", "ADDRESS").pipe(
    Options.withAlias("b"),
    Options.withDescription("The address to listen on; only this machine reaches the default."),
    Options.withDefault("127.0.0.1")
  ),
  directory: nonEmpty("directory", "DIR").pipe(
    Options.withAlias("d"),
    Options.withDescription("A directory of flags, cc.gif or cc/cc.gif, instead of the ones that come along."),
    Options.optional
  ),
  delay: secondsRange("delay", "MIN..MAX").pipe(
    Options.withDescription("Wait so many seconds before each answer, drawn anew for each."),
    Options.optional
  ),
  errorRate: rate("error-rate", "RATE").pipe(
    Options.withAlias("e"),
    Options.withDescription("Answer 418 so often: 0 never, 1 always."),
    Options.withDefault(0)
  ),
  seed: integer("seed", "N", 0).pipe(
    Options.withDescription("What delays and errors are drawn from: the same seed, the same sequence."),
    Options.optional
  )
}

const port = Args.text({ name: "PORT" }).pipe(
  Args.withDescription("The same as --port."),
  Args.mapEffect((text) =>
    /^\d{1,5}$/.test(text) && Number(text) <= highestPort
      ? Effect.succeed(Number(text))
      : Effect.fail(HelpDoc.p(`PORT must be from 0 to ${highestPort}, not '${Printable.line(text)}'`))
  ),
  Args.optional
)

export const command = Command.make("serve", { ...options, positionalPort: port }, (parsed) => {
  const action: Action = Effect.gen(function* () {
    if (Option.isSome(parsed.port) && Option.isSome(parsed.positionalPort)) {
      return yield* new UsageError({ rule: "PORT and --port are the same: give one of them" })
    }
    const { serve } = yield* Effect.promise(() => import("./Serve/serve.js"))
    return yield* serve({
      hostname: parsed.bind,
      port: Option.getOrElse(
        Option.orElse(parsed.port, () => parsed.positionalPort),
        () => 8001
      ),
      directory: Option.getOrUndefined(parsed.directory),
      delay: Option.getOrUndefined(parsed.delay),
      errorRate: parsed.errorRate,
      seed: Option.getOrUndefined(parsed.seed)
    })
  })
  return Effect.flatMap(Chosen, (chosen) => chosen.set(action))
}).pipe(Command.withDescription("Serve the flags at /cc/cc.gif, as slowly and as unreliably as asked."))
