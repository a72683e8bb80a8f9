/**
 * Completion scripts for bash, zsh and fish. Before a command, the options of `implied` are completed too.
 */
import { builtIns, type Command, optionsOf } from "./Command.js"
import type { Option } from "./Option.js"

interface Program {
  readonly name: string
  readonly commands: ReadonlyArray<Command>
  /** The command that a line without a command means. */
  readonly implied: Command
}

export const script = (shell: "bash" | "fish" | "sh" | "zsh", program: Program): string =>
  ({ bash, sh: bash, zsh, fish })[shell](program)

/** The options for each command, and under the empty name for a line without a command. */
const optionsByCommand = ({
  commands,
  implied
}: Program): ReadonlyArray<readonly [string, ReadonlyArray<Option<unknown>>]> => {
  const { completions, ...common } = builtIns
  return [
    ["", [...Object.values(builtIns), ...optionsOf(implied)]],
    ...commands.map((command) => [command.name, [...Object.values(common), ...optionsOf(command)]] as const)
  ]
}

const namesOf = (options: ReadonlyArray<Option<unknown>>): string => options.flatMap(({ names }) => names).join(" ")

// Without an offer of the function, bash completes a file name.
const bash = (program: Program): string => `_${program.name}() {
  local word command= current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]}
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case $word in ${program.commands.map(({ name }) => name).join("|")}) command=$word; break ;; esac
  done
  COMPREPLY=()
  case $command,$previous in
${optionsByCommand(program)
  .flatMap(([command, options]) =>
    options.flatMap(({ form, names }) => {
      const pattern = names.map((name) => `${command},${name}`).join("|")
      return form._tag === "Flag"
        ? []
        : form._tag === "Choice"
          ? [`    ${pattern}) COMPREPLY=($(compgen -W "${form.choices.join(" ")}" -- "$current")); return ;;`]
          : [`    ${pattern}) return ;;`]
    })
  )
  .join("\n")}
  esac
  case $command,$current in
${optionsByCommand(program)
  .map(([command, options]) => `    ${command},-*) COMPREPLY=($(compgen -W "${namesOf(options)}" -- "$current")) ;;`)
  .join("\n")}
    ,*) [ "$COMP_CWORD" -gt 1 ] || COMPREPLY=($(compgen -W "${program.commands.map(({ name }) => name).join(" ")}" -- "$current")) ;;
  esac
}
complete -o default -F _${program.name} ${program.name}
`

const zsh = (program: Program): string => `#compdef ${program.name}
_${program.name}() {
  local word command=
  local -a options commands=(
${program.commands.map(({ name, summary }) => `    ${quoted(`${name}:${summary}`)}`).join("\n")}
  )
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case $word in (${program.commands.map(({ name }) => name).join("|")}) command=$word; break ;; esac
  done
  case $command in
${optionsByCommand(program)
  .map(
    ([command, options]) =>
      `    (${command === "" ? "''" : command}) options=(\n${options.flatMap(zshOption).join("\n")}\n    ) ;;`
  )
  .join("\n")}
  esac
  if [[ -z $command && CURRENT -eq 2 && $words[CURRENT] != -* ]]; then
    _describe command commands
  else
    _arguments -s -S $options '*: :_default'
  fi
}
if [[ $funcstack[1] == _${program.name} ]]; then _${program.name} "$@"; else compdef _${program.name} ${program.name}; fi
`

const zshOption = ({ description, form, names }: Option<unknown>): ReadonlyArray<string> => {
  const value =
    form._tag === "Flag"
      ? ""
      : form._tag === "Choice"
        ? `:${form.metavar}:(${form.choices.join(" ")})`
        : `:${form.metavar.replace(/[:\\]/g, "\\$&")}:${form.completion === "directory" ? "_files -/" : form.completion === "file" ? "_files" : " "}`
  const others = form._tag === "Value" && form.isRepeated ? "*" : `(${names.join(" ")})`
  return names.map(
    (name) =>
      `      ${quoted(`${others}${name}[${description.replace(/[[\]\\]/g, "\\$&").replaceAll(":", "\\:")}]${value}`)}`
  )
}

const fish = (program: Program): string => {
  const { implied, name: program_, commands } = program
  const others = commands.filter((command) => command !== implied).map(({ name }) => name)
  return [
    ...commands.map(
      ({ name, summary }) => `complete -c ${program_} -n __fish_use_subcommand -f -a ${name} -d ${quoted(summary)}`
    ),
    ...optionsByCommand(program).flatMap(([command, options]) => {
      const condition =
        command === ""
          ? "__fish_use_subcommand"
          : command === implied.name
            ? `not __fish_seen_subcommand_from ${others.join(" ")}; and not __fish_use_subcommand`
            : `__fish_seen_subcommand_from ${command}`
      return options.map(
        (option) =>
          `complete -c ${program_} -n ${quoted(condition)} ${fishOption(option)} -d ${quoted(option.description)}`
      )
    })
  ]
    .map((line) => `${line}\n`)
    .join("")
}

const fishOption = ({ form, names }: Option<unknown>): string =>
  [
    ...names.map((name) => (name.startsWith("--") ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`)),
    ...(form._tag === "Flag"
      ? []
      : form._tag === "Choice"
        ? ["-x", "-a", quoted(form.choices.join(" "))]
        : form.completion === "file"
          ? ["-r", "-F"]
          : form.completion === "directory"
            ? ["-x", "-a", quoted("(__fish_complete_directories)")]
            : ["-x"])
  ].join(" ")

/** A text in single quotes, for bash and zsh. Fish reads it the same way if it has no backslash. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`
