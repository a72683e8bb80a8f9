/**
 * The help of `@effect/cli`, in fewer lines: without the sentences that repeat what the usage says already, and with
 * the program's name in the usage of every command.
 */

// Escape sequences may stand around every part of a line.
const escape = "(?:\\u001b\\[[0-9;]*m)*"

const said: ReadonlyArray<RegExp> = [
  "A user-defined piece of text\\.",
  "A true or false value\\.",
  "One of the following: .*",
  "This setting is optional\\.",
  "This argument (?:is optional|may be repeated zero or more times)\\."
].map((sentence) => new RegExp(`^ *${escape}${sentence}${escape}$`))

export const tidy = (text: string, program: string): string => {
  const lines = text.split("\n").filter((line) => !said.some((sentence) => sentence.test(line)))
  return (
    lines
      .join("\n")
      .replace(new RegExp(`^(${escape}\\$ ${escape})(?!${escape}${program}\\b)`, "gm"), `$1${program} `)
      .replace(new RegExp(`^(${escape}\\$ ${escape}${program}${escape})$`, "gm"), "$1 COMMAND")
      // The list of commands: each with what it does; its usage stands in its own help.
      .replace(/^ +- ([a-z]+) .* {2,}(\S.*)$/gm, (_, name: string, what: string) => `  ${name.padEnd(8)}${what}`)
      // An entry and what is said of it belong together.
      .replace(/\n{2,}( +\S)/g, "\n$1")
      .replace(/\n{3,}/g, "\n\n")
      .trim()
  )
}
