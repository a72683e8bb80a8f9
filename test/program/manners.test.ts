/**
 * What every command owes to whoever writes a line for it: options in every usual form, and one clear sentence, once,
 * where the line cannot be meant.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { filesIn, run, temporaryDirectory } from "../support/program.js"

type Line = ReadonlyArray<string>

/** Runs each line in a directory where nothing may appear; each is refused with its sentence, and nothing else. */
const refuses = (cases: ReadonlyArray<readonly [line: Line, sentence: string | RegExp]>) =>
  Effect.gen(function* () {
    const cwd = yield* temporaryDirectory
    const answers = yield* Effect.forEach(
      cases,
      ([line, sentence]) =>
        Effect.map(run(line, { cwd, limit: "8 seconds" }), ({ exitCode, stderr, stdout }) => ({
          line: line.join(" "),
          stderr,
          stdout,
          exitCode,
          right:
            typeof sentence === "string" ? stderr === `${sentence}\n` : oneLine.test(stderr) && sentence.test(stderr)
        })),
      { concurrency: 4 }
    )
    assert.deepStrictEqual(
      answers.filter(({ exitCode, right, stdout }) => !right || stdout !== "" || exitCode !== 2),
      []
    )
    assert.deepStrictEqual(filesIn(cwd), [])
  })

const oneLine = /^halyard(?: [a-z]+)?: [^\n]+\n$/

/** Runs each line, which must succeed, and gives what it printed. */
const accepts = (lines: ReadonlyArray<Line>) =>
  Effect.gen(function* () {
    const cwd = yield* temporaryDirectory
    return yield* Effect.forEach(
      lines,
      (line) =>
        Effect.map(run(line, { cwd }), ({ exitCode, stderr, stdout }) => {
          assert.strictEqual(exitCode, 0, `${JSON.stringify(line)} said ${JSON.stringify(stderr)}`)
          return stdout
        }),
      { concurrency: 4 }
    )
  })

describe("command-line manners", () => {
  it.scopedLive("refuses an unknown option, with the one that may have been meant", () =>
    refuses([
      [["--versoin"], "halyard: unknown option '--versoin'; did you mean '--version'?"],
      [["--concurency=4"], /unknown option '--concurency'/],
      [["--concurency=4", "get", "x"], /unknown option '--concurency'/],
      [["flags", "--concurency=4"], "halyard flags: unknown option '--concurency'; did you mean '--concurrency'?"],
      [["flags", "BR", "--verbos"], "halyard flags: unknown option '--verbos'; did you mean '--verbose'?"],
      [["flags", "--Verbose"], "halyard flags: unknown option '--Verbose'; did you mean '--verbose'?"],
      [["flags", "-vx"], "halyard flags: unknown option '-x'"],
      [["flags", "--help", "--no-such-thing"], "halyard flags: unknown option '--no-such-thing'"],
      [["spin", "--mesage", "x"], "halyard spin: unknown option '--mesage'; did you mean '--message'?"],
      [["spin", "--block"], "halyard spin: unknown option '--block'; did you mean '--blocking'?"],
      [["serve", "--prot", "3"], "halyard serve: unknown option '--prot'; did you mean '--port'?"],
      [["serve", "0", "--error_rate=1"], "halyard serve: unknown option '--error_rate'; did you mean '--error-rate'?"]
    ])
  )

  it.scopedLive("says where an option of a command belongs that stands before it", () =>
    refuses([
      [["--json", "get", "x"], "halyard get: option '--json' belongs after the command: halyard get --json"],
      [["--log-level=debug", "-c4", "get", "x"], "halyard get: option '-c' belongs after the command: halyard get -c"],
      [
        ["--concurrency=4", "flags"],
        /^halyard flags: option '--concurrency' belongs after the command: halyard flags /
      ],
      [["-d", "x", "get", "y"], /option '-d' belongs after the command: halyard get -d$/m],
      [["--json"], "halyard: option '--json' belongs after a command: get, flags"],
      [["--blocking", "get"], "halyard get: option '--blocking' belongs after a command: spin"]
    ])
  )

  it.scopedLive("refuses an unknown command, with the one that may have been meant", () =>
    refuses([
      [["flgas"], "halyard: unknown command 'flgas'; did you mean 'flags'?"],
      [["flgas", "-l", "1"], /^halyard: unknown (?:command 'flgas'; did you mean 'flags'\?|option '-l')\n/],
      [["--", "spni"], "halyard: unknown command 'spni'; did you mean 'spin'?"],
      [["--help", "server"], "halyard: unknown command 'server'; did you mean 'serve'?"],
      [[""], "halyard: unknown command ''"],
      [["\u001b[31m\nflags"], "halyard: unknown command '\\x1b[31m\\x0aflags'"]
    ])
  )

  it.scopedLive("refuses an option without its value, and a value without an option for it", () =>
    refuses([
      [["--completions"], "halyard: option '--completions' needs a value"],
      [["flags", "--limit"], "halyard flags: option '--limit' needs a value"],
      [["flags", "BR", "-vl"], "halyard flags: option '-l' needs a value"],
      [["spin", "-m"], "halyard spin: option '-m' needs a value"],
      [["serve", "--bind"], "halyard serve: option '--bind' needs a value"],
      [["--help=1"], "halyard: option '--help' takes no value"],
      [["flags", "--verbose=1"], "halyard flags: option '--verbose' takes no value"],
      [["flags", "-v=1"], "halyard flags: option '-v' takes no value"],
      [["spin", "--blocking=yes"], "halyard spin: option '--blocking' takes no value"],
      [["serve", "--version="], "halyard serve: option '--version' takes no value"]
    ])
  )

  it.scopedLive("refuses an option that is given twice, under whatever names", () =>
    refuses([
      [["--completions=sh", "--completions=zsh"], "halyard: option '--completions' was given more than once"],
      [["flags", "-l", "1", "-l", "1"], "halyard flags: option '-l' was given more than once"],
      [["flags", "-m1", "--concurrency=2"], "halyard flags: option '--concurrency' was given more than once"],
      [["spin", "-m", "a", "--message", "b"], "halyard spin: option '--message' was given more than once"],
      [["serve", "--seed", "1", "--seed=1"], "halyard serve: option '--seed' was given more than once"],
      [["serve", "--port", "1", "2"], "halyard serve: PORT and --port are the same: give one of them"]
    ])
  )

  it.scopedLive("refuses a value that is none of the choices, and says which there are", () =>
    refuses([
      [["--completions=tcsh"], "halyard: option '--completions' must be one of sh, bash, fish, zsh, not 'tcsh'"],
      [["flags", "--log-level", "loud"], /'--log-level' must be one of all, .*none, not 'loud'/],
      [
        ["flags", "--engine", "fibres"],
        "halyard flags: option '--engine' must be one of sequential, threads, fibers, not 'fibres'"
      ],
      [["flags", "-s", "SLOW"], "halyard flags: --server LABEL must be one of DELAY, ERROR, LOCAL, REMOTE, not 'SLOW'"],
      [["flags", "USA"], "halyard flags: each CC argument must be A to Z or AA to ZZ"],
      [["spin", "--engine=Thread"], "halyard spin: option '--engine' must be one of fiber, thread, not 'Thread'"],
      [["spin", "--engine=thread", "--blocking"], /^halyard spin: --blocking is for --engine fiber/],
      [["spin", "--blocking", "true"], /^halyard spin: --engine and --blocking are for the function/]
    ])
  )

  it.scopedLive("names the rule that a number breaks", () =>
    refuses([
      [["flags", "-l", "0"], "halyard flags: --limit N must be >= 1, not '0'"],
      [["flags", "-l", "-1"], "halyard flags: --limit N must be >= 1, not '-1'"],
      [["flags", "--limit=NaN"], /^halyard flags: --limit N must be .*, not 'NaN'/],
      [["flags", "-c", "-3"], /^halyard flags: --\w+ CONCURRENT must be >= 1, not '-3'/],
      [["flags", "--seed=-1"], /^halyard flags: --seed N must be >= 0, not '-1'/],
      [["flags", "--timeout", "0"], "halyard flags: --timeout SECONDS must be a number of seconds > 0, not '0'"],
      [["flags", "--timeout", "Infinity"], /--timeout SECONDS must be a number of seconds > 0, not 'Infinity'/],
      [["serve", "65536"], "halyard serve: PORT must be from 0 to 65535, not '65536'"],
      [["serve", "-e", "NaN"], "halyard serve: --error-rate RATE must be from 0 to 1, not 'NaN'"],
      [["serve", "-e-0.1"], "halyard serve: --error-rate RATE must be from 0 to 1, not '-0.1'"],
      [["serve", "--delay", "5..1"], /--delay MIN..MAX must be two numbers of seconds such as 0.5..5, not '5..1'/],
      [["serve", "--delay=-1..2"], /--delay MIN..MAX must be two numbers of seconds such as 0.5..5, not '-1..2'/],
      [["serve", "0", "1"], /^halyard serve: .*'1'/]
    ])
  )

  it.scopedLive("does not tell that a number is too small where it is large enough", () =>
    refuses([
      [["flags", "--limit", "1.5"], /whole number.*, not '1\.5'/],
      [["flags", "--seed", "1e3"], /whole number.*, not '1e3'/]
    ])
  )

  it.scopedLive("refuses an empty address and an empty directory", () =>
    refuses([
      [["serve", "--port=0", "--bind="], /--bind/],
      [["serve", "--port=0", "--directory="], /--directory/],
      [["flags", "--directory="], /--directory/]
    ])
  )

  it.scopedLive("takes a number attached, after a blank, after an equals sign, and behind other short options", () =>
    Effect.gen(function* () {
      const printed = yield* accepts([
        ["flags", "-l3", "-c2"],
        ["flags", "--concurrency=2", "-l3"],
        ["flags", "--concurrency", "2", "-l3"],
        ["flags", "-m", "2", "-l3"],
        ["flags", "-vc2", "-l3"]
      ])
      assert.deepStrictEqual(
        printed.map((stdout) => stdout.split("\n")[2]),
        printed.map(() => "2 concurrent connections will be used.")
      )
    })
  )

  it.scopedLive("takes options after arguments, and none behind --", () =>
    Effect.gen(function* () {
      const printed = yield* accepts([
        ["flags", "BR", "CN", "-vl", "1"],
        ["flags", "BR", "-v", "--limit=1", "--", "CN"]
      ])
      for (const stdout of printed) {
        assert.match(stdout, /^Searching for 1 flag: BR$/m)
        assert.match(stdout, /^BR OK$/m)
      }
      yield* refuses([[["flags", "--", "-v"], "halyard flags: each CC argument must be A to Z or AA to ZZ"]])
    })
  )

  it.scopedLive("loses nothing of a command's line where something stands before the command", () =>
    Effect.gen(function* () {
      const printed = yield* accepts([
        ["--log-level=error", "flags", "-l1"],
        ["--log-level", "error", "flags", "-l1"],
        ["--", "flags", "-l1"]
      ])
      assert.deepStrictEqual(
        printed.map((stdout) => stdout.split("\n")[1]),
        printed.map(() => "Searching for 1 flag: BD")
      )
    })
  )
})
