import { assert, describe, it } from "@effect/vitest"
import * as Either from "effect/Either"
import * as Arguments from "../../src/Cli/arguments.js"

const spec: Arguments.Spec = {
  options: [
    { names: ["-c", "--concurrency"], takesValue: true, repeated: false },
    { names: ["-v", "--verbose"], takesValue: false, repeated: false },
    { names: ["-a", "--all"], takesValue: false, repeated: false },
    { names: ["-H", "--header"], takesValue: true, repeated: true },
    { names: ["--engine"], takesValue: true, repeated: false, choices: ["fibers", "threads"] },
    ...Arguments.builtIns
  ],
  passThrough: false
}

const read = (...argv: ReadonlyArray<string>) => Arguments.canonical(Either.getOrThrow(Arguments.parse(spec, argv)))

const problem = (...argv: ReadonlyArray<string>) =>
  Either.match(Arguments.parse(spec, argv), { onLeft: (sentence) => sentence, onRight: () => undefined })

describe("Cli/arguments", () => {
  it("takes a value attached, after a blank or after an equals sign", () => {
    for (const argv of [["-c4"], ["-c", "4"], ["-c=4"], ["--concurrency=4"], ["--concurrency", "4"]]) {
      assert.deepStrictEqual(read(...argv), ["--concurrency", "4"])
    }
  })

  it("takes short options together, the last one's value included", () => {
    assert.deepStrictEqual(read("-vac4"), ["--verbose", "--all", "--concurrency", "4"])
    assert.deepStrictEqual(read("-vc", "4"), ["--verbose", "--concurrency", "4"])
  })

  it("takes options anywhere, and puts the rest behind --", () => {
    assert.deepStrictEqual(read("BR", "-v", "US"), ["--verbose", "--", "BR", "US"])
    assert.deepStrictEqual(read("-v", "NO"), ["--verbose", "--", "NO"])
  })

  it("reads nothing behind -- as an option, and a single hyphen as none", () => {
    assert.deepStrictEqual(read("-v", "--", "-c", "--all"), ["--verbose", "--", "-c", "--all"])
    assert.deepStrictEqual(read("-"), ["--", "-"])
  })

  it("takes a value that looks like an option", () => {
    assert.deepStrictEqual(read("-c", "-1"), ["--concurrency", "-1"])
    assert.deepStrictEqual(read("--header=--x"), ["--header", "--x"])
  })

  it("keeps every value of an option that may be repeated", () => {
    assert.deepStrictEqual(read("-Ha", "-v", "--header", "b"), ["--header", "a", "--header", "b", "--verbose"])
  })

  it("leaves what follows the first positional argument alone where it is another command's", () => {
    const line = Arguments.parse({ ...spec, passThrough: true }, ["-v", "npm", "--version", "-c"])
    assert.deepStrictEqual(Arguments.canonical(Either.getOrThrow(line)), ["--verbose", "--", "npm", "--version", "-c"])
  })

  it("refuses an unknown option, with the one that may have been meant", () => {
    assert.strictEqual(problem("--concurency", "3"), "unknown option '--concurency'; did you mean '--concurrency'?")
    assert.strictEqual(problem("--concurency=3"), "unknown option '--concurency'; did you mean '--concurrency'?")
    assert.strictEqual(problem("--verb"), "unknown option '--verb'; did you mean '--verbose'?")
    assert.strictEqual(problem("--xyzzy"), "unknown option '--xyzzy'")
    assert.strictEqual(problem("-x"), "unknown option '-x'")
    assert.strictEqual(problem("-verbose"), "unknown option '-e'")
    assert.strictEqual(problem("--\u001b[31mred"), "unknown option '--\\x1b[31mred'")
  })

  it("refuses a missing value, a value too many and an option given twice", () => {
    assert.strictEqual(problem("-c"), "option '-c' needs a value")
    assert.strictEqual(problem("--verbose=yes"), "option '--verbose' takes no value")
    assert.strictEqual(problem("-c1", "--concurrency", "2"), "option '--concurrency' was given more than once")
    assert.strictEqual(problem("-v=yes"), "option '-v' takes no value")
    assert.isUndefined(problem("-v", "-v"))
  })

  it("refuses a value that is none of the choices", () => {
    assert.strictEqual(problem("--engine", "fast"), "option '--engine' must be one of fibers, threads, not 'fast'")
  })
})
