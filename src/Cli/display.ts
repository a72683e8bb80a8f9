/**
 * What a command shows while it runs: rows that change on a terminal, or a line every ten seconds.
 */
import * as Effect from "effect/Effect"
import { Spinner } from "../Spinner.js"
import { StatusLine, type TabProgress } from "../StatusLine.js"
import { choice, type Option, withDefault } from "./Option.js"

export type Progress = "auto" | "plain" | "none"

/** The option of the commands that download. */
export const progressOption: Option<Progress> = withDefault(
  choice("--progress KIND", "auto (default), plain (lines) or none", ["auto", "plain", "none"]),
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
): Effect.Effect<never, never, Spinner | StatusLine> =>
  Effect.flatMap(Effect.all([Spinner, StatusLine]), ([spinner, statusLine]) => {
    if (progress === "none") {
      return Effect.never
    }
    return progress === "auto" && statusLine.isTerminal
      ? spinner.spin({ text: rows, tabProgress })
      : Effect.forever(
          Effect.zipRight(
            Effect.sync(() => statusLine.line(line())),
            Effect.sleep(betweenLines)
          )
        )
  })
