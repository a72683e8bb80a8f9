/**
 * The servers and proxies of Debian that other tests use: each one starts, serves a file to the program, and ends with its scope.
 */
import { chmodSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { isAlive, run, temporaryDirectory } from "./support/program/program.js"
import * as Programs from "./support/servers/programs.js"

const content = Buffer.alloc(100_000, "halyard ")

const served = Effect.map(temporaryDirectory, (root) => {
  // Apache runs as another user.
  chmodSync(root, 0o755)
  writeFileSync(join(root, "file.bin"), content)
  return root
})

describe("servers", () => {
  const servers = [
    ["nginx", Programs.nginx],
    ["apache2", Programs.apache2],
    ["lighttpd", Programs.lighttpd],
    ["caddy", Programs.caddy]
  ] as const
  for (const [name, serve] of servers) {
    Programs.withPrograms([name], `${name} serves a file, logs the request, and is killed with its scope`, () =>
      Effect.gen(function* () {
        const root = yield* served
        const server = yield* Effect.scoped(
          Effect.gen(function* () {
            const started = yield* serve({ root })
            const ended = yield* run(["get", `${started.url}/file.bin`, "-o", "-"])
            assert.strictEqual(ended.exitCode, 0, ended.stderr + started.output())
            assert.isTrue(content.equals(ended.stdoutBytes))
            yield* Programs.awaitAccess(started, "/file.bin")
            return started
          })
        )
        assert.isFalse(isAlive(server.pid))
      })
    )
  }
})
