/**
 * The Dockerfile and the compose file. Their syntax is checked, and the command of a container runs without the container.
 */
import { spawnSync } from "node:child_process"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { bin, environment, runCommand, start, temporaryDirectory } from "../../support/program/program.js"
import { start as startPostgres, withPostgres } from "../../support/servers/postgres.js"
import { freePort } from "../../support/servers/serverProcess.js"

const root = fileURLToPath(new URL("../../../", import.meta.url))

const instructions = readFileSync(`${root}Dockerfile`, "utf8")
  .split("\n")
  .filter((line) => line !== "" && !line.startsWith("#"))
  .map((line) => {
    const [, name = "", value = ""] = /^([A-Z]+) (.+)$/.exec(line) ?? []
    return { name, value }
  })

const valuesOf = (name: string): ReadonlyArray<string> =>
  instructions.filter((instruction) => instruction.name === name).map(({ value }) => value)

const parsed = (text: string): ReadonlyArray<string> => JSON.parse(text)

const hasCompose = spawnSync("docker-compose", ["version"]).status === 0

describe("the Dockerfile", () => {
  it("has known instructions in two stages, and copies from the first one", () => {
    const known = ["FROM", "WORKDIR", "COPY", "RUN", "USER", "ENV", "EXPOSE", "HEALTHCHECK", "ENTRYPOINT"]
    for (const { name, value } of instructions) {
      assert.include(known, name, value)
    }
    const stages = valuesOf("FROM").flatMap((value) => / AS (\w+)$/.exec(value)?.[1] ?? [])
    const sources = valuesOf("COPY").flatMap((value) => /^--from=(\w+) /.exec(value)?.[1] ?? [])
    assert.deepStrictEqual([stages, sources], [["package"], ["package"]])
    assert.deepStrictEqual(valuesOf("USER"), ["node"])
  })

  it("has commands that a shell can read", () => {
    const [, , script = ""] = parsed(valuesOf("ENTRYPOINT")[0] ?? "")
    for (const command of [...valuesOf("RUN"), script, (valuesOf("HEALTHCHECK")[0] ?? "").replace(/^CMD /, "")]) {
      assert.strictEqual(spawnSync("sh", ["-n", "-c", command]).status, 0, command)
    }
  })

  withPostgres("starts a runner that is healthy, and that SIGTERM ends", () =>
    Effect.gen(function* () {
      const postgres = yield* startPostgres
      const cwd = yield* temporaryDirectory
      writeFileSync(join(cwd, "halyard"), `#!/bin/sh\nexec "${process.execPath}" "${bin}" "$@"\n`, { mode: 0o755 })
      const [port, healthPort] = [yield* freePort, yield* freePort]
      // The variables of the image, with ports that are free here.
      const variables = Object.fromEntries(
        Array.from((valuesOf("ENV")[0] ?? "").matchAll(/(\w+)=(\S+)/g), ([, name = "", value = ""]) => [name, value])
      )
      assert.deepStrictEqual(variables, {
        HALYARD_LISTEN: "0.0.0.0",
        HALYARD_PORT: "7410",
        HALYARD_HEALTH_PORT: "7411"
      })
      const env = {
        ...variables,
        PATH: `${cwd}:${environment()["PATH"]}`,
        HALYARD_PORT: `${port}`,
        HALYARD_HEALTH_PORT: `${healthPort}`,
        HALYARD_DATABASE: yield* postgres.database
      }
      const [command = "", ...parameters] = parsed(valuesOf("ENTRYPOINT")[0] ?? "")
      const runner = yield* start(command, [...parameters, "--drain", "4"], { cwd, env })
      yield* runner.awaitOutput(new RegExp(`^Running batches as [\\d.]+:${port}$`, "m"))
      const check = (valuesOf("HEALTHCHECK")[0] ?? "").replace(/^CMD /, "")
      assert.strictEqual((yield* runCommand("sh", ["-c", check], { cwd, env })).exitCode, 0)
      yield* postgres.kill
      // The database does not answer any more.
      assert.strictEqual((yield* runCommand("sh", ["-c", check], { cwd, env })).exitCode, 1)
      yield* postgres.start
      yield* runner.signal("SIGTERM")
      assert.strictEqual((yield* runner.ended).exitCode, 143)
    })
  )
})

describe("the compose file", () => {
  it.skipIf(!hasCompose)("is accepted by docker-compose (skipped if it is not installed), with a password only", () => {
    const config = (env: Readonly<Record<string, string>>) =>
      spawnSync("docker-compose", ["-f", `${root}compose.yaml`, "config"], { env: environment(env), encoding: "utf8" })
    const { status, stderr, stdout } = config({ POSTGRES_PASSWORD: "secret" })
    assert.deepStrictEqual([status, stderr], [0, ""])
    assert.match(stdout, /^ {6}HALYARD_DATABASE: postgres:\/\/halyard:secret@database\/halyard$/m)
    assert.match(stdout, /^ {6}replicas: 3$/m)
    const without = config({})
    assert.notStrictEqual(without.status, 0)
    assert.include(without.stderr, "set POSTGRES_PASSWORD to a password for the database")
  })

  it("gives a runner more time to stop than its drain", () => {
    const [, seconds = ""] = /stop_grace_period: (\d+)s/.exec(readFileSync(`${root}compose.yaml`, "utf8")) ?? []
    assert.isAbove(Number(seconds), 20)
  })
})
