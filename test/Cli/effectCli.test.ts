/**
 * The commands read their lines themselves; `@effect/cli` reads the others. Both must agree on what a line means and on
 * which lines mean something.
 */
import * as NodeContext from "@effect/platform-node/NodeContext"
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Random from "effect/Random"
import * as Arguments from "../../src/Cli/arguments.js"
import { type Command, isPlain, specOf } from "../../src/Cli/Command.js"
import * as EffectCli from "../../src/Cli/effectCli.js"
import * as Flags from "../../src/Cli/Flags.js"
import * as Get from "../../src/Cli/Get.js"
import * as Serve from "../../src/Cli/Serve.js"
import * as Spin from "../../src/Cli/Spin.js"

const commands: ReadonlyArray<Command> = [Get.command, Flags.command, Spin.command, Serve.command]

/** What `@effect/cli` makes of a line: the line again, or the rule that it breaks. */
const slowly = (command: Command, line: Arguments.Line) =>
  EffectCli.read({ name: "halyard", description: "Anything.", version: "0", hasColors: false, commands: [command] }, [
    command.name,
    ...Arguments.canonical(line)
  ]).pipe(
    Effect.map(({ chosen, printed }) => ({ name: chosen?.command.name, line: chosen && sorted(chosen.line), printed })),
    Effect.either
  )

const sorted = ({ options, positional }: Arguments.Line) => ({
  options: options.toSorted((one, other) => (one.name < other.name ? -1 : 1)),
  positional
})

const agree = Effect.fnUntraced(function* (command: Command, line: Arguments.Line) {
  const slow = yield* slowly(command, line)
  const quick = command.read(line)
  const shown = JSON.stringify([command.name, line])
  if (Either.isRight(quick)) {
    assert.deepStrictEqual(slow, Either.right({ name: command.name, line: sorted(line), printed: "" }), shown)
  } else {
    // `@effect/cli` leaves an empty text out where an option may be repeated, and has the last word.
    const hasEmpty = line.options.some(({ name, values }) => name.startsWith("--header") && values.includes(""))
    assert.isTrue(Either.isLeft(slow) || hasEmpty, shown)
  }
  return Either.isRight(quick)
})

const values = [
  ...[
    "0",
    "1",
    "-1",
    "+4",
    "08",
    "1.5",
    ".5",
    "1e3",
    "0x10",
    "70000",
    "99999999999999999999",
    "",
    " ",
    "NaN",
    "0.5..5"
  ],
  ...["5..0.5", "full", "rename", "skip", "fail", "fibers", "threads", "fiber", "local", "LOCAL", "nowhere", "."],
  ...["a=b", "=", "X-Y: z", "no colon", ":", "true", "false", "null", "http://h/a?b=c#d", "BR", "flags", "é", "'q'"],
  ...['"', "\\", "a,b", "a | b", "*", "\u001b[31m", "a\nb"]
] as const

const pick = <A>(all: ReadonlyArray<A>) => Effect.map(Random.nextIntBetween(0, all.length), (index) => all[index])

/** A line of the command's options, most of them with something that cannot be told from a value. */
const drawn = Effect.fnUntraced(function* (command: Command) {
  const words: Array<string> = []
  for (let count = yield* Random.nextIntBetween(0, 5); count > 0; count--) {
    const option = yield* pick(specOf(command).options)
    const name = yield* pick(option?.names ?? [])
    const value = yield* pick(option?.choices !== undefined && (yield* Random.nextBoolean) ? option.choices : values)
    if (option?.takesValue === false) {
      words.push(name ?? "")
    } else if (yield* Random.nextBoolean) {
      words.push(name ?? "", value ?? "")
    } else {
      words.push(`${name}=${value}`)
    }
  }
  for (let count = yield* Random.nextIntBetween(0, 3); count > 0; count--) {
    words.push((yield* pick(values)) ?? "")
  }
  return words
})

it.layer(NodeContext.layer)("Cli/effectCli", (it) => {
  it.effect("takes every value of every option as the command does", () =>
    Effect.gen(function* () {
      for (const command of commands) {
        for (const { choices = [], names, takesValue } of specOf(command).options) {
          const name = names.find((candidate) => candidate.startsWith("--")) ?? ""
          for (const value of takesValue ? [...values, ...choices] : [undefined]) {
            const line = { options: [{ name, values: value === undefined ? [] : [value] }], positional: [] }
            if (isPlain(line)) {
              yield* agree(command, line)
            }
          }
        }
      }
    })
  )

  it.effect("takes every argument as the command does", () =>
    Effect.gen(function* () {
      for (const command of commands) {
        for (const value of [...values, "-1", "-h", "--help", "--version", "--wizard", "--", "-", "get"]) {
          yield* agree(command, { options: [], positional: [value] })
          yield* agree(command, { options: [], positional: [value, "1"] })
        }
      }
    })
  )

  it.effect("takes lines that are drawn as the command does", () =>
    Effect.gen(function* () {
      let [taken, refused] = [0, 0]
      for (let round = 0; round < 100; round++) {
        for (const command of commands) {
          const line = Either.getOrUndefined(Arguments.parse(specOf(command), yield* drawn(command)))
          if (line !== undefined && isPlain(line)) {
            if (yield* agree(command, line)) {
              taken++
            } else {
              refused++
            }
          }
        }
      }
      // Neither may be rare, or nothing would have been compared.
      assert.isAbove(Math.min(taken, refused), 40)
    }).pipe(Effect.withRandom(Random.make("lines")))
  )
})
