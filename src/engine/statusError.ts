/**
 * A status that is an error, with what the server says of when to come again.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import { HttpStatus } from "../DownloadError.js"
import { parseRetryAfter } from "../internal/http/retryAfter.js"
import type { ResponseHead } from "../Transport.js"

export const statusError = (url: string, { headers, status }: ResponseHead): Effect.Effect<HttpStatus> =>
  Effect.clockWith((clock) =>
    Effect.map(clock.currentTimeMillis, (now) => {
      const retryAfterMillis = parseRetryAfter(headers["retry-after"], now)
      return new HttpStatus({ url, status, ...(retryAfterMillis === undefined ? {} : { retryAfterMillis }) })
    })
  )
