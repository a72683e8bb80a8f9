/**
 * The log of a runner, as lines for people. The engine logs what it does; its warnings tell why shards move to other runners.
 */
import * as Effect from "effect/Effect"
import * as HashMap from "effect/HashMap"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Option from "effect/Option"
import { displayText } from "../../internal/text/displayUrl.js"
import * as Printable from "../../internal/text/printable.js"
import { StatusLine } from "../../StatusLine.js"

/** Prints warnings and errors. `isShown` may leave those of the engine out. */
export const layer = (isShown: (isOfEngine: boolean) => boolean): Layer.Layer<never, never, StatusLine> =>
  Layer.unwrapEffect(
    Effect.map(StatusLine, ({ line }) =>
      Logger.replace(
        Logger.defaultLogger,
        Logger.make(({ annotations, logLevel, message }) => {
          const isOfEngine = Option.contains(HashMap.get(annotations, "package"), "@effect/cluster")
          if (LogLevel.greaterThanEqual(logLevel, LogLevel.Warning) && isShown(isOfEngine)) {
            const texts = (Array.isArray(message) ? message : [message]).filter((part) => typeof part === "string")
            line(Printable.line(displayText(texts.join(" "))))
          }
        })
      )
    )
  )
