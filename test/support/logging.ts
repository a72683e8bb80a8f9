/**
 * A logger that keeps its messages.
 */
import * as Logger from "effect/Logger"

/** Records log messages. */
export const logging = () => {
  const logged: Array<string> = []
  const logger = Logger.make(({ logLevel, message }) => {
    logged.push(`${logLevel.label} ${Array.isArray(message) ? message[0] : message}`)
  })
  return { logged, layer: Logger.replace(Logger.defaultLogger, logger) }
}
