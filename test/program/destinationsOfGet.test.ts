/**
 * How `halyard get` handles an existing file, link or device at a destination.
 */
import { chmodSync, lstatSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { http } from "../support/loopback.js"
import { run, temporaryDirectory } from "../support/program.js"

const content = "content".repeat(100_000)

/** An origin that does something to the destination before it answers. */
const origin = (act: () => void) =>
  http((_, response) => {
    act()
    response.writeHead(200, { "content-length": content.length })
    response.end(content)
  })

describe("destinations of halyard get", () => {
  for (const durability of ["full", "rename"]) {
    it.scopedLive(`fails for a directory that takes the name of a file meanwhile: --durability ${durability}`, () =>
      Effect.gen(function* () {
        const cwd = yield* temporaryDirectory
        const { url } = yield* origin(() => mkdirSync(`${cwd}/a`))
        const { exitCode, stderr } = yield* run(
          ["get", `${url}/a`, "-d", ".", "--on-exists", "skip", "--durability", durability],
          { cwd }
        )
        assert.strictEqual(exitCode, 1)
        assert.include(stderr, "it is a directory")
        assert.deepStrictEqual(readdirSync(cwd), ["a"])
        assert.isTrue(lstatSync(`${cwd}/a`).isDirectory())
      })
    )

    it.scopedLive(`keeps what only its owner may read as it is: --durability ${durability}`, () =>
      Effect.gen(function* () {
        const cwd = yield* temporaryDirectory
        const modes: Array<number> = []
        const { url } = yield* origin(() =>
          modes.push(...readdirSync(cwd).map((name) => statSync(`${cwd}/${name}`).mode & 0o777))
        )
        for (const name of ["a", "b"]) {
          writeFileSync(`${cwd}/${name}`, "old")
          chmodSync(`${cwd}/${name}`, 0o600)
        }
        const { exitCode, stderr } = yield* run(
          ["get", `${url}/a`, `${url}/b`, "-d", ".", "--on-exists", "overwrite", "--durability", durability, "-c", "1"],
          { cwd }
        )
        assert.strictEqual(exitCode, 0, stderr)
        assert.isTrue(modes.every((mode) => mode === 0o600))
        for (const name of ["a", "b"]) {
          assert.strictEqual(statSync(`${cwd}/${name}`).mode & 0o777, 0o600)
          assert.strictEqual(readFileSync(`${cwd}/${name}`, "utf8"), content)
        }
      })
    )
  }
})
