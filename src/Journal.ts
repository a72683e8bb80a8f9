/**
 * The port that remembers outcomes across runs.
 *
 * A downloader records each outcome; what a later run makes of it is the caller's decision. Nothing in an entry is a secret, as long as the caller put none into a destination: that is kept as it is, because
 * it is the name of the file. Backends: `Journal/FileSystem` (one JSON object a line), `Journal/Memory`.
 *
 * @since 0.2.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { DownloadOutcome } from "./Download.js"
import { DownloadError } from "./DownloadError.js"
import { displayLabel, displayUrl } from "./internal/displayUrl.js"

/**
 * What is remembered of one outcome.
 *
 * @category schemas
 * @since 0.2.0
 */
export class Entry extends Schema.Class<Entry>("halyard.Journal.Entry")({
  id: Schema.String,
  /** As it may be shown: without credentials and query values. */
  url: Schema.String,
  /** Where the file stands, or was to stand. */
  destination: Schema.String,
  outcome: Schema.Literal("Saved", "Skipped", "Failed", "Cancelled"),
  bytes: Schema.optionalWith(Schema.Number, { exact: true }),
  error: Schema.optionalWith(DownloadError, { exact: true }),
  /** When it was recorded, in milliseconds since 1970. */
  atMillis: Schema.Number
}) {}

/**
 * Remembers outcomes.
 *
 * A downloader takes it from the context of the program that asks for a download or a run, or else from the context in which
 * its layer was built. Without either no outcome is recorded.
 *
 * An outcome is recorded before `Finished` is told, and before `download` returns or `run` gives it. A caller that is
 * interrupted does not wait for the entry: the recording goes on, for two seconds at most after the downloader's scope
 * closes.
 *
 * A journal that dies loses no outcome. `download` dies with its defect; the file stands, and `Finished` is told. A `run`
 * begins no further request, gives the outcomes of all that is under way, that one included, and then fails with the defect.
 * If no caller waits for the entry, the defect is logged.
 *
 * @category tags
 * @since 0.2.0
 */
export class Journal extends Context.Tag("halyard/Journal")<
  Journal,
  {
    /** Keeps an entry. When it returns, the entry outlives the process (not a power cut). Must not fail: a journal that cannot write dies. */
    readonly record: (entry: Entry) => Effect.Effect<void>
    /** The last entry for a destination, of this run or an earlier one. */
    readonly last: (destination: string) => Effect.Effect<Entry | undefined>
  }
>() {}

/**
 * The entry for an outcome.
 *
 * @category constructors
 * @since 0.2.0
 */
export const entryOf = (outcome: DownloadOutcome): Effect.Effect<Entry> =>
  Effect.clockWith((clock) =>
    Effect.map(
      clock.currentTimeMillis,
      (atMillis) =>
        new Entry({
          id: displayLabel(outcome.request.id),
          url: displayUrl(outcome.request.url),
          destination: outcome._tag === "Saved" ? outcome.destination : outcome.request.destination,
          outcome: outcome._tag,
          atMillis,
          ...(outcome._tag === "Saved" ? { bytes: outcome.bytes } : {}),
          ...(outcome._tag === "Failed" ? { error: outcome.error } : {})
        })
    )
  )
