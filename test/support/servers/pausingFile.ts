/**
 * A file whose server stops in the middle.
 */
import * as Effect from "effect/Effect"
import { http } from "./loopback.js"

/** A server of a file that sends no more than this number of bytes of a whole response before `resume`. */
export const pausingFile = (content: Uint8Array, pauseBytes: number) => {
  const ranges: Array<string | undefined> = []
  let isPausing = true
  return Effect.map(
    http(({ headers }, response) => {
      ranges.push(headers.range)
      const from = Number(/^bytes=(\d+)-$/.exec(headers.range ?? "")?.[1] ?? 0)
      response.writeHead(from === 0 ? 200 : 206, {
        etag: '"1"',
        "content-length": content.length - from,
        ...(from === 0 ? {} : { "content-range": `bytes ${from}-${content.length - 1}/${content.length}` })
      })
      if (isPausing) {
        response.write(content.subarray(0, pauseBytes))
      } else {
        response.end(content.subarray(from))
      }
    }),
    (origin) => ({
      url: `${origin.url}/file`,
      ranges: () => ranges.slice(),
      stopPausing: () => {
        isPausing = false
      }
    })
  )
}
