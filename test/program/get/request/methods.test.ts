/**
 * `--request` and `--data` of `halyard get`, at a real server.
 */
import { writeFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { get } from "../../../support/program/get.js"
import { runBash, temporaryDirectory } from "../../../support/program/program.js"
import { http } from "../../../support/servers/loopback.js"

/** Answers a POST to /form with 303, and records all requests. */
const recording = Effect.gen(function* () {
  const seen: Array<string> = []
  const { url } = yield* http((request, response) => {
    let body = ""
    request.setEncoding("latin1").on("data", (text: string) => {
      body += text
    })
    request.on("end", () => {
      const { headers, method } = request
      seen.push(`${method} ${request.url} ${headers["content-type"]} ${headers["content-length"]} ${body}`)
      if (request.url === "/form") {
        response.writeHead(303, { location: "/result" }).end()
      } else {
        response.end(`${method} result`)
      }
    })
  })
  return { seen, url }
})

describe("halyard get --data", () => {
  it.scopedLive("posts text, the bytes of a file or standard input, and saves the response", () =>
    Effect.gen(function* () {
      const { seen, url } = yield* recording
      const cwd = yield* temporaryDirectory
      writeFileSync(`${cwd}/bytes`, Buffer.from("a\r\n\xff\n", "latin1"))
      const { exitCode, stderr } = yield* runBash(
        `halyard get ${url}/form --data 'a=1&b=2' -o one &&
        halyard get ${url}/put -X PUT --data @bytes -H 'content-Type: text/plain' -o two &&
        echo piped | halyard get ${url}/post --data @- -o three &&
        halyard get ${url}/delete -X DELETE -o four &&
        halyard get ${url}/empty --data '' -o five && cat one`,
        { cwd }
      )
      assert.strictEqual(exitCode, 0, stderr)
      assert.deepStrictEqual(seen, [
        "POST /form application/x-www-form-urlencoded 7 a=1&b=2",
        "GET /result undefined undefined ",
        "PUT /put text/plain 5 a\r\n\xff\n",
        "POST /post application/x-www-form-urlencoded 6 piped\n",
        "DELETE /delete undefined undefined ",
        "POST /empty application/x-www-form-urlencoded 0 "
      ])
    })
  )

  it.scopedLive("does not send a POST again that the server has received", () =>
    Effect.gen(function* () {
      let requests = 0
      const { url } = yield* http((_, response) => {
        requests++
        response.writeHead(requests < 2 ? 503 : 200).end("done")
      })
      const once = yield* get([`${url}/a`, "--data", "x"])
      assert.deepStrictEqual([once.exitCode, requests], [1, 1])
      requests = 0
      const again = yield* get([`${url}/a`, "--data", "x", "--retry-any-method"])
      assert.deepStrictEqual([again.exitCode, requests], [0, 2])
    })
  )
})
