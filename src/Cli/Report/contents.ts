/**
 * What the lines of a file lack, or have too often, to show one whole run.
 */
import type { EventLine } from "../../EventLine.js"
import * as Printable from "../../internal/text/printable.js"

const hintsAtMost = 5

export class Contents {
  private runs = 0
  private failures = 0
  private others = 0
  private readonly found = new Set<string>()

  add(line: EventLine): void {
    if (line.event === "Run") {
      this.runs++
    } else if (line.event === "Finished" && line.outcome === "Failed") {
      this.failures++
      if (line.hint !== undefined && this.found.size < hintsAtMost) {
        this.found.add(Printable.line(line.hint))
      }
    } else {
      this.others++
    }
  }

  /** Returns true if the lines are those of runs with `--quiet`: failures, and nothing else. */
  get isQuiet(): boolean {
    return this.failures > 0 && this.others === 0
  }

  /** What helps against the failures. */
  get hints(): ReadonlyArray<string> {
    return Array.from(this.found)
  }

  get warnings(): ReadonlyArray<string> {
    return [
      ...(this.isQuiet ? ["it has failures only, as a run with --quiet prints them. Other files are not counted"] : []),
      ...(this.runs > 1 ? [`it has ${this.runs} runs, which are shown as one`] : [])
    ]
  }
}
