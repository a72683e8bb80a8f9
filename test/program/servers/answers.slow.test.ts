/**
 * `halyard get` and the answers of nginx, Apache, lighttpd and Caddy that are not plain files: errors, overload, answers of
 * applications behind them, directory indexes, and connections that they close.
 */
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { get } from "../../support/program/get.js"
import { http } from "../../support/servers/loopback.js"
import { withPrograms } from "../../support/servers/programs.js"
import { relay } from "../../support/servers/relay.js"
import { site, webServers } from "../../support/servers/webServers.js"

/** An application that is overloaded once for each of its busy paths, and sends its other answers in chunks. */
const application = Effect.gen(function* () {
  const requests = new Map<string, number>()
  const { port } = yield* http((request, response) => {
    const path = request.url ?? ""
    const turn = requests.get(path) ?? 0
    requests.set(path, turn + 1)
    const [, status] = /busy-(\d+)/.exec(path) ?? []
    if (status !== undefined && turn === 0) {
      response.writeHead(Number(status), { "retry-after": "1" }).end("busy")
    } else if (path.includes("broken") && turn === 0) {
      response.write("a".repeat(100_000), () => request.socket.destroySoon())
    } else {
      response.write("first ")
      response.end(`and second of ${path}`)
    }
  })
  return { port, requests }
})

const lines = (stdout: string): ReadonlyArray<Record<string, unknown>> =>
  stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line))

describe("halyard get, from the servers of Debian", () => {
  for (const { name, showsBreaks, start } of webServers) {
    withPrograms(
      [name],
      `${name}: errors are failures, and an overloaded application is asked again when it says`,
      () =>
        Effect.gen(function* () {
          const app = yield* application
          const server = yield* start(yield* site, { app: app.port })
          const again = ["busy-429", "busy-503", ...(showsBreaks ? ["broken"] : [])]
          const { exitCode, files, read, stderr, stdout } = yield* get([
            ...[...again, "chunked?a=1"].map((path) => `${server.url}/app/${path}`),
            ...[`${server.url}/files/missing`, `${server.url}/forbidden/x`],
            ...["--json", "-c1"]
          ])
          assert.strictEqual(exitCode, 1, stderr)
          assert.include(stderr + stdout, "HTTP error 404")
          assert.include(stderr + stdout, "HTTP error 403")
          assert.sameMembers([...files], [...again, "chunked"])
          const retries = lines(stdout).flatMap(({ delayMillis, error, event }) =>
            event === "Retrying" ? [{ delayMillis: Number(delayMillis), ...Object(error) }] : []
          )
          assert.deepStrictEqual(
            retries.map(({ _tag, retryAfterMillis, status }) => [_tag, status, retryAfterMillis]),
            [
              ["HttpStatus", 429, 1000],
              ["HttpStatus", 503, 1000],
              ["Truncated", undefined, undefined]
            ].slice(0, again.length)
          )
          assert.isAtLeast(retries[0].delayMillis, 1000)
          assert.isAtLeast(retries[1].delayMillis, 1000)
          assert.strictEqual(read("chunked"), "first and second of /app/chunked?a=1")
          for (const path of again) {
            assert.strictEqual(read(path), `first and second of /app/${path}`)
            assert.strictEqual(app.requests.get(`/app/${path}`), 2)
          }
        })
    )

    for (const connections of ["few", "closed"] as const) {
      withPrograms(
        [name],
        `${name}: 50 files, an index and an answer without a length, with ${connections} connections`,
        () =>
          Effect.gen(function* () {
            const app = yield* application
            const place = yield* site
            const names = Array.from({ length: 50 }, (_, index) => `f${index}`)
            for (const file of names) {
              place.write(`listed/${file}`, `content of ${file}`)
            }
            const server = yield* start(place, { app: app.port, connections })
            const between = yield* relay(server.port)
            const urls = names.map((file) => `${between.url}/listed/${file}`)
            const { exitCode, files, read, stderr } = yield* get([
              ...[...urls, `${between.url}/listed/`, `${between.url}/app/x`],
              ...["--durability", "rename", "-v"]
            ])
            assert.strictEqual(exitCode, 0, stderr)
            assert.strictEqual(files.length, 52)
            assert.strictEqual(between.takeHeads().length, 52, stderr)
            for (const file of names) {
              assert.strictEqual(read(file), `content of ${file}`)
            }
            if (connections === "closed") {
              assert.strictEqual(between.connections(), 52)
            } else if (name !== "caddy") {
              assert.isAtLeast(between.connections(), 52 / 4)
            }
            assert.include(read("index.html"), "f49")
            assert.strictEqual(read("x"), "first and second of /app/x")
            if (connections === "closed") {
              // lighttpd knows the length, because it has the whole answer before it begins. With Apache, the connection ends it.
              const strict = yield* get([`${server.url}/app/x`, "--strict"])
              assert.strictEqual(strict.exitCode, name === "lighttpd" ? 0 : 1, strict.stderr)
            }
          })
      )
    }
  }
})
