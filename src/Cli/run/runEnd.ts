/**
 * The end of a run, which writes its files and then prints the report.
 */
import * as Effect from "effect/Effect"

export class RunEnd {
  /** Whether all files so far were written. */
  areFilesSaved = true

  /** Writes the files in their order, and then runs `last`. A defect in one of them does not prevent the others. */
  after(saves: ReadonlyArray<Effect.Effect<boolean> | undefined>, last: Effect.Effect<void>): Effect.Effect<void> {
    return saves.reduceRight<Effect.Effect<void>>(
      (rest, save) => (save === undefined ? rest : Effect.ensuring(this.recorded(save), rest)),
      last
    )
  }

  private recorded(save: Effect.Effect<boolean>): Effect.Effect<void> {
    return Effect.map(save, (isSaved) => {
      this.areFilesSaved &&= isSaved
    })
  }
}
