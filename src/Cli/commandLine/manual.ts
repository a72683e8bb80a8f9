/**
 * The man page of the program, in the language of man(7).
 */
import { builtIns, type Command, type Help } from "./Command.js"
import type { Option, Options } from "./Option.js"

export const page = (name: string, version: string, program: Help, commands: ReadonlyArray<Command>): string =>
  [
    `.TH ${name.toUpperCase()} 1 "" "${name} ${version}" "User Commands"`,
    ".SH NAME",
    `${name} \\- ${escaped(program.summary.replace(/\.$/, "").replace(/^./, (first) => first.toLowerCase()))}`,
    ".SH SYNOPSIS",
    `.B ${name}`,
    escaped(program.usage),
    ".SH DESCRIPTION",
    escaped(program.summary),
    ...program.notes.map(escaped),
    ...optionsOf(builtIns),
    ...commands.flatMap((command) => sectionOf(name, command)),
    ".SH EXIT STATUS",
    ...statuses.flatMap(([status, meaning]) => [".TP", `.B ${status}`, escaped(meaning)]),
    ""
  ].join("\n")

const statuses = [
  ["0", "All files were saved or skipped."],
  ["1", "Some files failed."],
  ["2", "The command line, a variable or a file of options is wrong."],
  ["129, 130, 141, 143", "The terminal was closed, Ctrl-C, the reader of the output has closed it, SIGTERM."]
] as const

const sectionOf = (name: string, command: Command): ReadonlyArray<string> => [
  `.SH ${command.name.toUpperCase()}`,
  `.B ${name} ${command.name}`,
  escaped(command.usage),
  ".PP",
  escaped(command.summary),
  ...(command.argument.name === ""
    ? []
    : [".TP", `.I ${escaped(command.argument.name)}`, escaped(command.argument.description)]),
  ...Object.entries(command.groups).flatMap(([title, options]) => [`.SS ${title}`, ...optionsOf(options)]),
  ".SS Notes",
  ...command.notes.map(escaped),
  ".SS Examples",
  ...command.examples.flatMap(([line, comment]) => [".TP", `.B ${escaped(line)}`, escaped(comment)])
]

const optionsOf = (options: Options): ReadonlyArray<string> =>
  Object.values(options).flatMap((option) => [".TP", signatureOf(option), escaped(option.description)])

const signatureOf = ({ form, names }: Option<unknown>): string =>
  `${names.map((name) => `\\fB${escaped(name)}\\fR`).join(", ")}${form._tag === "Flag" ? "" : ` \\fI${escaped(form.metavar)}\\fR`}`

/** A line of text. A dot or an apostrophe at its start would be a request. */
const escaped = (text: string): string =>
  text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replace(/^(?=[.'])/, "\\&")
