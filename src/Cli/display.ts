/**
 * What a command shows while it runs: rows that change on a terminal, or a line every ten seconds.
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { Spinner } from "../Spinner.js"
import { StatusLine, type TabProgress } from "../StatusLine.js"
import { Host } from "./Host.js"
import { choice, type Option, withDefault } from "./Option.js"

export type Progress = "auto" | "bar" | "plain" | "none"

const kind = choice("--progress KIND", "auto (default), bar, plain (lines) or none", ["auto", "bar", "plain", "none"])

/** The option of the commands that download. */
export const progressOption: Option<Progress> = withDefault(
  {
    ...kind,
    read: (texts) =>
      texts?.includes("json") === true
        ? Either.left("--progress json is --json, which prints the progress as lines of JSON; give that instead")
        : kind.read(texts)
  },
  "auto" as const
)

const betweenLines = "10 seconds"

export interface Content {
  /** The text on a terminal, in one row or several. `frame` is the frame of a spinner. */
  readonly rows: (frame: string) => string
  /** The progress in the tab of the terminal. */
  readonly tabProgress: () => TabProgress
  /** The line without a terminal. */
  readonly line: () => string
}

/** Shows the content until it is interrupted. It is a companion for `Supervisor.supervise`. */
export const show = (
  progress: Progress,
  { line, rows, tabProgress }: Content
): Effect.Effect<never, never, Host | Spinner | StatusLine> =>
  Effect.flatMap(Effect.all([Host, Spinner, StatusLine]), ([host, spinner, statusLine]) => {
    if (progress === "none") {
      return Effect.never
    }
    if (progress === "bar") {
      host.useDumbTerminal()
    }
    return progress !== "plain" && statusLine.isTerminal
      ? spinner.spin({ text: rows, tabProgress })
      : Effect.forever(
          Effect.zipRight(
            Effect.sync(() => statusLine.line(line())),
            Effect.sleep(betweenLines)
          )
        )
  })
