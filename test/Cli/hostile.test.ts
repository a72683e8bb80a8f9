/**
 * Text from outside is read in linear time. Each of these takes milliseconds; a quadratic parser takes minutes, and the
 * test runs into its time-out.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Arguments from "../../src/Cli/arguments.js"
import { type Command, specOf } from "../../src/Cli/Command.js"
import * as FlagsCommand from "../../src/Cli/Flags.js"
import * as Lines from "../../src/Cli/Get/lines.js"
import { uniqueNames } from "../../src/Cli/Get/uniqueNames.js"
import * as Get from "../../src/Cli/Get.js"
import * as Serve from "../../src/Cli/Serve.js"
import * as Spin from "../../src/Cli/Spin.js"
import * as Flags from "../../src/Flags.js"
import { displayUrl } from "../../src/internal/displayUrl.js"
import * as Printable from "../../src/internal/printable.js"

const length = 1_000_000

/** Long runs of what patterns repeat, each with an end that makes them fail. */
const hostile: ReadonlyArray<string> = [
  ...[
    ".",
    "/",
    "\\",
    " ",
    "-",
    "+",
    "0",
    "a",
    "#",
    "@",
    "?",
    "&",
    "%",
    ":",
    "=",
    "_",
    "\t",
    "\u001b",
    "\u001b[",
    "\u001b]"
  ],
  ...["\u0301", "\u200b", "\ufeff", "a=", "%e2", "//", "1.", "..", "\ud800", "日", "user:pass@", "# ", " #"]
].map((piece) => `${piece.repeat(length / piece.length)}!`)

const commands: ReadonlyArray<Command> = [Get.command, FlagsCommand.command, Spin.command, Serve.command]

describe("a million hostile characters", () => {
  it("are read as arguments and as the value of each option", () => {
    for (const text of hostile) {
      for (const command of commands) {
        const spec = specOf(command)
        Arguments.parse(spec, [text, `--${text}`, "--", text])
        for (const { name } of Object.values(command.options)) {
          command.read({ options: [{ name: `--${name}`, values: [text] }], positional: [text] })
        }
      }
    }
  })

  it("are read as a URL, a directory and a code of flags", () => {
    for (const text of hostile) {
      const { destination, url } = Flags.request(text.slice(0, 10), { baseUrl: text, directory: text })
      assert.isAbove(url.length + destination.length, length)
    }
  })

  it("are shown", () => {
    for (const text of hostile) {
      displayUrl(text)
      displayUrl(`http://host.test/${text}`)
      displayUrl(`http://host.test/?${text}`)
      Printable.line(text)
      Printable.withoutEscapes(text)
    }
  })

  it.effect("are read as lines of a list, and each that is short enough gives a name", () =>
    Effect.gen(function* () {
      const encoder = new TextEncoder()
      for (const text of hostile) {
        const nameOf = uniqueNames(() => {})
        const short = text.slice(0, 20_000)
        const bytes = encoder.encode(
          `${text}\nhttp://host.test/${short}\nhttp://host.test/${short}!\nhttp://host.test/b`
        )
        const lines = Chunk.toReadonlyArray(yield* Stream.runCollect(Lines.fromBytes(Stream.make(bytes))))
        const names = lines.flatMap((line) => (typeof line === "string" ? [nameOf(line)] : []))
        assert.strictEqual(names.at(-1), "b")
      }
    })
  )
})
