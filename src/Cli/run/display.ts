/**
 * What a command shows while it runs: rows that change on a terminal, or a line every ten seconds.
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type { Spinner } from "../../Spinner.js"
import type { StatusLine } from "../../StatusLine.js"
import * as TerminalProgress from "../../TerminalProgress.js"
import { choice, type Option, withDefault } from "../commandLine/Option.js"
import { Host } from "../Host.js"

export type Progress = "auto" | "bar" | "plain" | "none"

const kind = choice("--progress KIND", "auto (default), bar, plain (lines) or none", ["auto", "bar", "plain", "none"])

/** The option of the commands that download. */
export const progressOption: Option<Progress> = withDefault(
  {
    ...kind,
    read: (texts) =>
      texts?.includes("json") === true
        ? Either.left("--progress has no kind json: use --json, which prints the progress as lines of JSON")
        : kind.read(texts)
  },
  "auto" as const
)

/** Shows the content until it is interrupted. It is a companion for `Supervisor.supervise`. */
export const show = (
  progress: Progress,
  content: TerminalProgress.Content
): Effect.Effect<never, never, Host | Spinner | StatusLine> =>
  Effect.flatMap(Host, (host) => {
    if (progress === "none") {
      return Effect.never
    }
    if (progress === "bar") {
      host.useDumbTerminal()
    }
    return TerminalProgress.show(content, { lines: progress === "plain" })
  })
