/**
 * Command lines whose outputs are also inputs, or each other.
 */
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import { refuses } from "../../support/program/commandLine.js"
import { temporaryDirectory } from "../../support/program/program.js"

const url = "https://example.com/a"

/** The options that name an output, in the order in which they are compared. */
const outputs = ["--output", "--journal", "--cookie-jar", "--failed", "--report", "--har"]

const inputs = ["--input", "--header", "--cookie", "--data", "--netrc-file", "--sums", "--cacert", "--config"]

/** The outputs that may replace an input. `--output` is always refused with `--input`. */
const exceptions = new Set(["--failed --input", "--cookie-jar --cookie", "--output --input"])

describe("a command line", () => {
  it.scoped("is refused for an output that is also an input, which stays", () =>
    Effect.gen(function* () {
      const cwd = yield* temporaryDirectory
      const file = join(cwd, "file")
      const link = join(cwd, "link")
      symlinkSync("file", link)
      for (const input of inputs) {
        const content = input === "--input" ? `${url}\n` : input === "--header" ? "x-a: 1\n" : ""
        writeFileSync(file, content, { mode: 0o600 })
        const value = input === "--header" || input === "--data" ? `@${file}` : file
        for (const output of outputs.filter((one) => !exceptions.has(`${one} ${input}`))) {
          for (const name of [file, link]) {
            yield* refuses([
              [
                ["get", ...(input === "--input" ? [] : [url]), input, value, output, name],
                `halyard get: ${output} ${name}: it is also the file of ${input}`
              ]
            ])
          }
        }
        assert.strictEqual(readFileSync(file, "utf8"), content)
        assert.deepStrictEqual(readdirSync(cwd), ["file", "link"])
      }
    }).pipe(Effect.withConfigProvider(ConfigProvider.fromMap(new Map())))
  )

  it.scoped("is refused for two outputs that are one file, also if it does not exist and has two names", () =>
    Effect.gen(function* () {
      const cwd = yield* temporaryDirectory
      mkdirSync(join(cwd, "real"))
      symlinkSync("real", join(cwd, "link"))
      const [first, second] = [join(cwd, "real", "file"), join(cwd, "link", "file")]
      for (const [index, option] of outputs.entries()) {
        for (const earlier of outputs.slice(0, index)) {
          yield* refuses([
            [
              ["get", url, option, second, earlier, first],
              `halyard get: ${option} ${second}: it is also the file of ${earlier}`
            ]
          ])
        }
      }
      assert.deepStrictEqual(readdirSync(join(cwd, "real")), [])
    })
  )

  it.scoped("is refused for an output that is the state file of its directory", () =>
    Effect.gen(function* () {
      const state = join(yield* temporaryDirectory, ".halyard.ndjson")
      yield* refuses(
        outputs
          .filter((option) => option !== "--journal")
          .map((option) => [
            ["get", url, option, state],
            `halyard get: ${option} ${state}: it is also the file of the saved state`
          ])
      )
    })
  )
})
