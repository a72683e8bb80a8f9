/**
 * `halyard get` with a server that sends the rest of a file with the status 200.
 */
import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { filesIn, run, temporaryDirectory } from "../../../support/program/program.js"
import { http } from "../../../support/servers/loopback.js"

const content = Buffer.from(
  Uint8Array.from({ length: 3_000_000 }, (_, index) => (index * 31 + (index >> 12) * 7) & 0xff)
)

const headers = { etag: '"1"', "content-length": `${content.length}` }

/** Breaks off in the middle of a plain request so many times. */
const liar = (breaks: number) => {
  let plain = 0
  return http((request, response) => {
    const start = Number(/\d+/.exec(request.headers.range ?? "")?.[0] ?? 0)
    if (start > 0) {
      const length = content.length - start
      const range = `bytes ${start}-${content.length - 1}/${content.length}`
      response.writeHead(200, { etag: '"1"', "content-length": `${length}`, "content-range": range })
      response.end(content.subarray(start))
    } else if (plain++ < breaks) {
      response.writeHead(200, headers).write(content.subarray(0, 1_500_000), () => response.destroy())
    } else {
      response.writeHead(200, headers).end(content)
    }
  })
}

describe("halyard get, if the rest of a file has the status of the whole file", () => {
  for (const strict of [[], ["--strict"]]) {
    it.scopedLive(`saves the file, or nothing (get ${strict.join("")})`, () =>
      Effect.gen(function* () {
        const honest = yield* liar(1)
        const cwd = yield* temporaryDirectory
        const saved = yield* run(["get", `${honest.url}/a`, "--json", ...strict], { cwd })
        assert.strictEqual(saved.exitCode, 0, saved.stderr)
        assert.isTrue(readFileSync(`${cwd}/a`).equals(content))

        const never = yield* liar(Number.POSITIVE_INFINITY)
        const failed = yield* run(["get", `${never.url}/b`, "--retries=2", "--no-resume", ...strict], { cwd })
        assert.strictEqual(failed.exitCode, 1)
        assert.deepStrictEqual(filesIn(cwd), ["a"])
      })
    )
  }
})
