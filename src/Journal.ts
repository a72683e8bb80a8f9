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
 * The record of one outcome.
 *
 * @category schemas
 * @since 0.2.0
 */
export class Entry extends Schema.Class<Entry>("halyard.Journal.Entry")({
  id: Schema.String,
  /** The URL without credentials and query values. */
  url: Schema.String,
  /** The path of the saved file, or else the destination of the request. */
  destination: Schema.String,
  outcome: Schema.Literal("Saved", "Skipped", "Failed", "Cancelled"),
  bytes: Schema.optionalWith(Schema.Number, { exact: true }),
  error: Schema.optionalWith(DownloadError, { exact: true }),
  /** The time of the record, in milliseconds since 1970. */
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
    /**
     * Records an entry. When it returns, the entry survives the end of the process, but possibly not a power cut. It does not fail: a
     * journal that cannot write dies.
     */
    readonly record: (entry: Entry) => Effect.Effect<void>
    /** Returns the last entry for a destination, from this run or an earlier one. */
    readonly last: (destination: string) => Effect.Effect<Entry | undefined>
  }
>() {}

/**
 * Makes the entry for an outcome.
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
