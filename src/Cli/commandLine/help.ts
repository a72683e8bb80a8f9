/**
 * The text of `--help`: a summary, examples, and the options in groups. No line is longer than 80 columns, and there
 * are no colours.
 */
import { builtIns, type Command, type Help } from "./Command.js"
import type { Option, Options } from "./Option.js"

/** The help of one command. */
export const ofCommand = (program: string, command: Command): string =>
  text(`${program} ${command.name}`, command, [
    ...Object.entries(command.groups).map(([title, options], index) =>
      section(title, [
        ...(index === 0 && command.argument.name !== ""
          ? [[command.argument.name, command.argument.description] as const]
          : []),
        ...rowsOf(options)
      ])
    ),
    section("Other", rowsOf({ help: builtIns.help, version: builtIns.version }))
  ])

/** The help of the program: its commands. */
export const ofProgram = (program: string, help: Help, commands: ReadonlyArray<Command>): string =>
  text(program, help, [
    section(
      "Commands",
      commands.map(({ name, summary }) => [name, summary])
    ),
    section("Other", rowsOf(builtIns))
  ])

const text = (name: string, { examples, notes, summary, usage }: Help, sections: ReadonlyArray<string>): string =>
  [summary, `Usage: ${name} ${usage}`, examplesOf(examples), ...sections, notes.join("\n")].join("\n\n")

const examplesOf = (examples: Help["examples"]): string => {
  const columns = Math.max(...examples.map(([line]) => line.length))
  return ["Examples:", ...examples.map(([line, comment]) => `  ${line.padEnd(columns)}  # ${comment}`)].join("\n")
}

const leftColumns = 31

type Row = readonly [left: string, right: string]

const section = (title: string, rows: ReadonlyArray<Row>): string => {
  const columns = rows.every(([left]) => left.length < 8) ? 8 : leftColumns
  return [`${title}:`, ...rows.map(([left, right]) => `  ${left.padEnd(columns)}${right}`)].join("\n")
}

const rowsOf = (options: Options): ReadonlyArray<Row> =>
  Object.values(options).map((option) => [signature(option), option.description])

/** The first short and the first long name, and the name of the value. */
const signature = ({ form, names }: Option<unknown>): string => {
  const short = names.find((name) => !name.startsWith("--"))
  const long = names.find((name) => name.startsWith("--"))
  const all = [short ?? "   ", long].join(short === undefined ? " " : ", ")
  return form._tag === "Flag" ? all : `${all} ${form.metavar}`
}
