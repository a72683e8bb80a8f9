import { assert, describe, it } from "@effect/vitest"
import * as Either from "effect/Either"
import * as Option from "../../../src/Cli/commandLine/Option.js"
import { parse } from "../../../src/Cli/commandLine/parse.js"

const description = ""

const options = [
  Option.integer("-c, --concurrency N", description, 1),
  Option.flag("-v, --verbose", description),
  Option.flag("-a, --all", description),
  Option.texts("-H, --header TEXT", description, Either.right<string>)
]

const parsed = (argv: ReadonlyArray<string>, stopsAtArgument = false) =>
  Either.map(parse(options, argv, { stopsAtArgument }), ({ options: texts, positional }) => [
    Object.fromEntries(Array.from(texts, ([option, values]) => [Option.longName(option), values])),
    positional
  ])

const read = (...argv: ReadonlyArray<string>) => Either.getOrThrow(parsed(argv))

const problem = (...argv: ReadonlyArray<string>) => Either.getOrThrow(Either.flip(parsed(argv)))

describe("a command line", () => {
  it("has the value of an option attached, after a blank or after an equals sign", () => {
    for (const argv of [["-c4"], ["-c", "4"], ["-c=4"], ["--concurrency=4"], ["--concurrency", "4"]]) {
      assert.deepStrictEqual(read(...argv), [{ "--concurrency": ["4"] }, []])
    }
  })

  it("has short options together, with the value of the last one", () => {
    for (const argv of [["-vac4"], ["-vac", "4"]]) {
      assert.deepStrictEqual(read(...argv), [{ "--verbose": [], "--all": [], "--concurrency": ["4"] }, []])
    }
  })

  it("has options before, between and after arguments", () => {
    assert.deepStrictEqual(read("-a", "BR", "-v", "US"), [{ "--all": [], "--verbose": [] }, ["BR", "US"]])
  })

  it("has only arguments after --, and a single hyphen is an argument", () => {
    assert.deepStrictEqual(read("-v", "--", "-c", "--all"), [{ "--verbose": [] }, ["-c", "--all"]])
    assert.deepStrictEqual(read("-"), [{}, ["-"]])
  })

  it("has values that look like options", () => {
    assert.deepStrictEqual(read("-c", "-1"), [{ "--concurrency": ["-1"] }, []])
    assert.deepStrictEqual(read("--header=--x"), [{ "--header": ["--x"] }, []])
  })

  it("has every value of an option that may be repeated, empty ones too", () => {
    assert.deepStrictEqual(read("-Ha", "-v", "--header", "b", "--header="), [
      { "--header": ["a", "b", ""], "--verbose": [] },
      []
    ])
  })

  it("ends its options at the first argument if that is a command to run", () => {
    assert.deepStrictEqual(Either.getOrThrow(parsed(["-v", "npm", "--version", "-c"], true)), [
      { "--verbose": [] },
      ["npm", "--version", "-c"]
    ])
  })

  it("is refused for an unknown option, with a suggestion", () => {
    assert.strictEqual(problem("--concurency", "3"), "unknown option '--concurency'; did you mean '--concurrency'?")
    assert.strictEqual(problem("--concurency=3"), "unknown option '--concurency'; did you mean '--concurrency'?")
    assert.strictEqual(problem("--verb"), "unknown option '--verb'; did you mean '--verbose'?")
    assert.strictEqual(problem("--xyzzy"), "unknown option '--xyzzy'")
    assert.strictEqual(problem("-x"), "unknown option '-x'")
    assert.strictEqual(problem("-verbose"), "unknown option '-e'")
    assert.strictEqual(problem("--\u001b[31mred"), "unknown option '--\\x1b[31mred'")
  })

  it("is refused for a missing value, a value of a flag, and an option given twice", () => {
    assert.strictEqual(problem("-c"), "option '-c' needs a value")
    assert.strictEqual(problem("--verbose=yes"), "option '--verbose' takes no value")
    assert.strictEqual(problem("-c1", "--concurrency", "2"), "option '--concurrency' was given more than once")
    assert.strictEqual(problem("-v=yes"), "option '-v' takes no value")
    assert.deepStrictEqual(read("-v", "-v"), [{ "--verbose": [] }, []])
  })
})
