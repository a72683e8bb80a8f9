/**
 * An origin that does not answer some requests.
 */
import * as Effect from "effect/Effect"
import { until } from "../poll.js"
import { http } from "./loopback.js"

/** An origin that answers with the path, filled up to a size, and before `release` not at all to held paths. */
export const heldOrigin = ({
  isHeld = () => false,
  sizeBytes = 0
}: {
  readonly isHeld?: (path: string) => boolean
  readonly sizeBytes?: number
} = {}) =>
  Effect.gen(function* () {
    const requests: Array<string> = []
    let held = 0
    let isReleased = false
    const { url } = yield* http((request, response) => {
      const path = request.url ?? ""
      requests.push(path)
      if (path === "/missing") {
        response.writeHead(404).end()
      } else if (!isReleased && isHeld(path)) {
        held++
      } else {
        response.end(`content of ${path}`.padEnd(sizeBytes, "."))
      }
    })
    return {
      url,
      requests,
      release: () => {
        isReleased = true
      },
      awaitHeld: (count: number) =>
        until(
          "held requests",
          () => (held >= count ? true : undefined),
          () => requests.join(" ")
        )
    }
  })
