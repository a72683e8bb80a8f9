/**
 * The program of the chapter: a spinner beside a function that takes three seconds and returns 42.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { Spinner } from "../../Spinner.js"
import { indeterminate, StatusLine } from "../../StatusLine.js"
import * as Supervisor from "../../Supervisor.js"
import { Host } from "../Host.js"

const functionTime = Duration.seconds(3)

export const answer = Effect.fn("spin.answer")(function* (options: {
  readonly message: string
  readonly threaded: boolean
  readonly blocking: boolean
}) {
  const host = yield* Host
  const spinner = yield* Spinner
  const statusLine = yield* StatusLine
  const say = (text: string) => statusLine.print(`${text}\n`, host.stdout.write)

  const block = yield* options.blocking || options.threaded ? host.block : Effect.succeed(() => Effect.void)
  const blockingFunction = Effect.as(block(functionTime), 42)
  const slowFunction = options.blocking ? blockingFunction : Effect.as(Effect.sleep(functionTime), 42)

  const withSpinner = Supervisor.supervise(slowFunction, {
    companions: { spinner: spinner.spin({ message: options.message, tabProgress: indeterminate }) },
    onStart: (children) =>
      Effect.forEach(children, (child) => Effect.map(Supervisor.describe(child), say), { discard: true })
  })

  const result = yield* options.threaded
    ? Effect.as(
        block(functionTime, {
          message: options.message,
          onStart: (thread) => say(`spinner object: ${thread}`)
        }),
        42
      )
    : options.blocking
      ? // Around the spinner as well, because a frame could appear while the handlers are removed.
        host.withoutSignalHandlers(withSpinner)
      : withSpinner
  say(`Answer: ${result}`)
  return 0
})
