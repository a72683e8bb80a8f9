/**
 * A request that cannot be sent.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { InvalidRequest } from "../../../DownloadError.js"
import { displayUrl } from "../../../internal/text/displayUrl.js"
import type * as Transport from "../../../Transport.js"

/** An exchange that fails without a request. */
export const invalid = (
  { url }: Transport.TransportRequest,
  { onEnd }: Transport.Receiver,
  detail: string
): Exit.Exit<Transport.Exchange> => {
  let isClosed = false
  queueMicrotask(() => {
    if (!isClosed) {
      onEnd(Exit.fail(new InvalidRequest({ url: displayUrl(url), detail })))
    }
  })
  return Exit.succeed({
    connection: undefined,
    resume: () => {},
    close: Effect.sync(() => {
      isClosed = true
    })
  })
}
