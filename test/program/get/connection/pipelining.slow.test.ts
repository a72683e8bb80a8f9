/**
 * `get --pipeline` of 2,000 files from servers of Debian, which are killed and replaced while requests are under way.
 */
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { connect, createServer, type Socket } from "node:net"
import { join } from "node:path"
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import { drawing } from "../../../support/drawing.js"
import { until } from "../../../support/poll.js"
import { run, temporaryDirectory } from "../../../support/program/program.js"
import { listening } from "../../../support/servers/loopback.js"
import * as Programs from "../../../support/servers/programs.js"

const count = 2000
const draw = drawing(1)
const contents = Array.from({ length: count }, (_, index) =>
  `${index} `.repeat(10_000).slice(0, Math.floor(draw() * 8192))
)

const madeRoot = Effect.map(temporaryDirectory, (directory) => {
  // Apache runs as another user.
  chmodSync(directory, 0o755)
  const root = join(directory, "root")
  mkdirSync(root)
  for (const [index, content] of contents.entries()) {
    writeFileSync(join(root, `${index}.txt`), content)
  }
  return root
})

/** Relays connections to a server that can be replaced. So a restart refuses no connection. */
const relay = (port: number) =>
  Effect.gen(function* () {
    const to = { port, receivedBytes: 0, together: 0, open: new Set<Socket>() }
    const server = createServer((client) => {
      const upstream = connect(to.port, "127.0.0.1")
      to.open.add(client)
      client.on("data", (bytes) => {
        to.together = Math.max(to.together, bytes.toString("latin1").split("GET /").length - 1)
      })
      upstream.on("data", (bytes) => {
        to.receivedBytes += bytes.length
      })
      client.pipe(upstream).pipe(client)
      for (const [one, other] of [
        [client, upstream],
        [upstream, client]
      ] as const) {
        one.on("error", () => other.destroy())
        one.on("close", () => {
          to.open.delete(client)
          other.destroy()
        })
      }
    })
    const { url } = yield* listening(server)
    return { to, url }
  })

const check = (
  serve: (root: string) => Effect.Effect<Programs.Program, unknown, Scope.Scope>
): Effect.Effect<void, unknown, Scope.Scope> =>
  Effect.gen(function* () {
    const root = yield* madeRoot
    const directory = yield* temporaryDirectory
    let server = yield* serve(root)
    const { to, url } = yield* relay(server.port)
    const list = join(directory, "list.txt")
    writeFileSync(list, contents.map((_, index) => `${url}/${index}.txt\n`).join(""))
    const out = join(directory, "out")
    const options = ["-c", "16", "--pipeline", "8", "--json", "--durability", "rename", "--no-state"]
    const fetching = yield* Effect.fork(run(["get", "-i", list, "-d", out, ...options]))
    const totalBytes = contents.reduce((sum, { length }) => sum + length, 0)
    let lost = 0
    for (const part of [0.3, 0.6]) {
      yield* until("part of the files", () => to.receivedBytes > part * totalBytes || undefined, server.output)
      const next = yield* serve(root)
      to.port = next.port
      lost += to.open.size
      yield* server.kill
      server = next
    }
    const { exitCode, stderr, stdout } = yield* Fiber.join(fetching)
    assert.strictEqual(exitCode, 0, stderr)
    const wrong = contents.flatMap((content, index) =>
      readFileSync(join(out, `${index}.txt`), "latin1") === content ? [] : [index]
    )
    assert.deepStrictEqual(wrong, [])
    assert.isAbove(to.together, 1)
    // A lost connection has at most one response of which a part was received.
    assert.isAtMost(stdout.split(`"event":"Retrying"`).length - 1, lost)
  })

const reverse = (serve: (port: number) => Effect.Effect<Programs.Program, unknown, Scope.Scope>) => (root: string) =>
  Effect.flatMap(Programs.nginx({ root }), ({ port }) => serve(port))

const haproxy = (port: number) =>
  Programs.haproxy({
    sections: (bind) => `
frontend front
  mode http
  bind ${bind}
  default_backend back
backend back
  mode http
  server nginx 127.0.0.1:${port}`
  })

describe("halyard get --pipeline, from a server that is restarted twice", () => {
  const servers = [
    ["nginx", ["nginx"], (root: string) => Programs.nginx({ root })],
    [
      "nginx with 300 requests a connection",
      ["nginx"],
      (root: string) => Programs.nginx({ root, lines: "keepalive_requests 300;" })
    ],
    ["Apache", ["apache2"], (root: string) => Programs.apache2({ root })],
    ["lighttpd", ["lighttpd"], (root: string) => Programs.lighttpd({ root })],
    ["Caddy", ["caddy"], (root: string) => Programs.caddy({ root })],
    ["HAProxy", ["haproxy", "nginx"], reverse(haproxy)],
    ["Varnish", ["varnishd", "nginx"], reverse(Programs.varnish)],
    ["Squid", ["squid", "nginx"], reverse(Programs.reverseSquid)]
  ] as const
  for (const [name, programs, serve] of servers) {
    Programs.withPrograms(programs, `every file is right: ${name}`, () => check(serve))
  }
})
