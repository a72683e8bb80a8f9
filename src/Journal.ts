/**
 * The port that remembers outcomes across runs.
 *
 * A downloader records each outcome. The caller decides how a later run uses the entries. An entry has no secrets, except that
 * the destination is recorded unchanged. Backends: `Journal/FileSystem` (one JSON object a line), `Journal/Memory`.
 *
 * @since 0.2.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { DownloadOutcome } from "./Download.js"
import { DownloadError } from "./DownloadError.js"
import { displayLabel, displayUrl } from "./internal/text/displayUrl.js"

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
 * A downloader takes it from the context of the program that calls `download` or `run`, or else from the context in which its
 * layer was built. If neither has one, no outcome is recorded.
 *
 * An outcome is recorded before the event `Finished` is sent, and before `download` returns or `run` emits it. An interrupted
 * caller does not wait for the entry. The recording continues. When the downloader's scope closes, it has two seconds, and is
 * interrupted then. If it does not end within half a second after that, the scope closes without it, and a warning is logged.
 *
 * A journal that dies loses no outcome. `download` dies with the defect, but the file is saved and `Finished` is sent. A `run`
 * begins no further request, emits the outcomes of all transfers in flight, and then dies with the defect. If no caller waits for
 * the entry, the defect is logged.
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
