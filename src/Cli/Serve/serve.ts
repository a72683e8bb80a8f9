/**
 * Runs `halyard serve` until it is interrupted.
 */
import * as Data from "effect/Data"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { fromCause } from "../../DownloadError/diskErrors.js"
import type { Disk } from "../../DownloadError.js"
import * as FlagServer from "../../FlagServer.js"
import * as Printable from "../../internal/text/printable.js"
import { Host } from "../Host.js"
import { listenProblem } from "./listenProblem.js"

export interface ServeOptions {
  readonly hostname: string
  readonly port: number
  readonly directory: string | undefined
  readonly delay: { readonly min: Duration.Duration; readonly max: Duration.Duration } | undefined
  readonly errorRate: number
  readonly seed: number | undefined
}

/** The server cannot be started. */
class CannotServe extends Data.TaggedError("CannotServe")<{ readonly message: string }> {}

export const serve = Effect.fn("serve")(function* (options: ServeOptions) {
  const host = yield* Host
  const say = (text: string) => Effect.sync(() => host.stdout.write(`${text}\n`))
  const directory = options.directory ?? host.flagsDirectory

  // The lines that were left out because standard output is full.
  let withoutLine = 0
  const print = (exchange: FlagServer.Exchange) =>
    Effect.sync(() => {
      if (host.stdout.isFull()) {
        withoutLine++
        return
      }
      const gap = withoutLine === 0 ? "" : `${withoutLine} requests are not shown, because this output was not read\n`
      withoutLine = 0
      host.stdout.write(`${gap}${FlagServer.describe(exchange)}\n`)
    })

  const server = FlagServer.layer({
    directory,
    delay: options.delay,
    errorRate: options.errorRate,
    seed: options.seed,
    onRequest: print
  }).pipe(
    Layer.provide(host.listen(options)),
    Layer.catchAll((error) =>
      Layer.fail(
        new CannotServe({
          message:
            error._tag === "ServeError"
              ? `cannot listen on ${options.hostname}:${options.port}: ${listenProblem(error.cause)}`
              : `cannot read the directory ${Printable.line(directory)}: ${unreadable[fromCause(directory, error).reason] ?? "the file system refuses"}`
        })
      )
    )
  )

  return yield* Effect.flatMap(FlagServer.FlagServer, ({ baseUrl, seed }) =>
    Effect.zipRight(say(`Serving flags at ${baseUrl} (seed ${seed})`), Effect.never)
  ).pipe(Effect.provide(server))
})

const unreadable: { readonly [reason in Disk["reason"]]?: string } = {
  missing: "there is no such directory",
  "not-a-directory": "it is not a directory",
  permission: "permission was denied"
}
