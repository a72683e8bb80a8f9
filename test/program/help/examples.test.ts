/**
 * Every example of the help is run, with a server on loopback in place of example.com.
 */
import { mkdirSync, writeFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { answer } from "../../support/program/commandLine.js"
import { bin, filesIn, runBash, start, temporaryDirectory } from "../../support/program/program.js"
import { http } from "../../support/servers/loopback.js"

/** The command lines of the examples. */
const examplesOf = (...line: ReadonlyArray<string>) =>
  Effect.map(answer(line), ({ stdout }) => {
    const [, examples = ""] = /^Examples:\n((?: .*\n)+)/m.exec(stdout) ?? []
    return Array.from(examples.matchAll(/^ {2}(.*?) *# .*$/gm), ([, example = ""]) => example)
  })

const origin = http((_, response) => response.end("content\n"))

/** Runs each example in a directory of its own, and returns what it printed and which files are there. */
const runAll = (examples: ReadonlyArray<string>, exampleUrl: string) =>
  Effect.forEach(
    examples,
    (example) =>
      Effect.gen(function* () {
        const cwd = yield* temporaryDirectory
        writeFileSync(
          `${cwd}/urls.txt`,
          "https://example.com/1\nhttps://example.com/2\n".replaceAll("https://example.com", exampleUrl)
        )
        writeFileSync(`${cwd}/key.txt`, "X-Key: secret\n")
        writeFileSync(`${cwd}/package.json`, '{ "scripts": { "test": "true" } }')
        const { exitCode, stderr, stdout } = yield* runBash(example.replaceAll("https://example.com", exampleUrl), {
          cwd
        })
        assert.strictEqual(exitCode, 0, `${example}\n${stderr}`)
        return {
          example,
          stdout,
          files: [
            ...filesIn(cwd),
            ...filesIn(`${cwd}/files`),
            ...filesIn(`${cwd}/downloads`),
            ...filesIn(`${cwd}/flags`)
          ]
        }
      }),
    { concurrency: 4 }
  )

describe("the examples of the help", () => {
  it.scopedLive("of the program and of get save files, or print one", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const examples = [...(yield* examplesOf("--help")), ...(yield* examplesOf("get", "--help"))]
      const ended = yield* runAll(examples, url)
      assert.strictEqual(ended.length, 6)
      for (const { example, files, stdout } of ended) {
        const expected = example.includes("-i")
          ? ["1", "2"]
          : example.includes("| wc")
            ? []
            : [/[^/]+$/.exec(example)?.[0] ?? ""]
        assert.includeMembers([...files], expected, example)
        assert.isTrue(expected.length > 0 || stdout.trim() === "1", example)
      }
    })
  )

  it.scopedLive("of flags save flags", () =>
    Effect.gen(function* () {
      const ended = yield* runAll(yield* examplesOf("flags", "--help"), "")
      assert.deepStrictEqual(
        ended.map(({ files }) => files.filter((name) => name.endsWith(".gif")).length),
        [20, 2, 194, 2]
      )
    })
  )

  it.scopedLive("of spin run a command or the function", () =>
    Effect.gen(function* () {
      const ended = yield* runAll(yield* examplesOf("spin", "--help"), "")
      assert.deepStrictEqual(
        ended.map(({ stdout }) => stdout.includes("Answer: 42")),
        [false, false, true, true]
      )
    })
  )

  it.scopedLive("of serve serve flags", () =>
    Effect.gen(function* () {
      const cwd = yield* temporaryDirectory
      mkdirSync(`${cwd}/images`)
      const examples = yield* examplesOf("serve", "--help")
      assert.strictEqual(examples.length, 4)
      for (const example of examples) {
        // Another process may use the port of the example.
        const parameters = example.replace(/^halyard serve/, "").replace(/ (?:-p 0|800\d)/, "")
        const running = yield* start(
          "bash",
          ["-c", `exec "${process.execPath}" "${bin}" serve ${parameters} --port 0`],
          { cwd }
        )
        yield* running.awaitOutput(/^Serving flags at/m)
        yield* running.signal("SIGTERM")
        assert.strictEqual((yield* running.ended).exitCode, 143)
      }
    })
  )
})
