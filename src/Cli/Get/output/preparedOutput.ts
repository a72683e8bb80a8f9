/**
 * Prepares the directory or the output of `halyard get` before the run.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { isSome } from "effect/Option"
import * as Download from "../../../Download.js"
import { Timeout } from "../../../DownloadError.js"
import { Finished } from "../../../DownloadEvent.js"
import { displayUrl } from "../../../internal/text/displayUrl.js"
import { Store } from "../../../Store.js"
import type { Options } from "../options.js"
import type { Output } from "../output.js"

/** Prepares the directory or the output. Returns false if a pipe has no reader within --max-time. */
export const prepare = (options: Options, output: Output | undefined, directory: string) =>
  Effect.flatMap(Store, (store) =>
    store
      .prepare(output?.stream === undefined ? directory : output.destination)
      .pipe(
        Effect.timeoutOption(output?.stream === undefined ? Duration.infinity : maxTimeOf(options)),
        Effect.map(isSome)
      )
  )

const maxTimeOf = ({ maxTime = Duration.infinity }: Options): Duration.Duration => maxTime

/** The outcome of the one URL if its output has no reader. */
export const deadlineReached = (
  urls: ReadonlyArray<string>,
  options: Options,
  output: Output | undefined,
  atMillis: number
): Finished => {
  const request = Download.request({ id: "1", url: urls[0] ?? "", destination: output?.destination ?? "" })
  const error = new Timeout({
    url: displayUrl(request.url),
    phase: "deadline",
    limitMillis: Duration.toMillis(maxTimeOf(options)),
    receivedBytes: 0
  })
  return new Finished({ atMillis, outcome: new Download.Failed({ request, error }) })
}
