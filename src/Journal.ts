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
import { type DownloadOutcome, type ExistingFile, Skipped } from "./Download.js"
import { DownloadError } from "./DownloadError.js"
import { Hasher, sha256Hex } from "./Hasher.js"
import { displayLabel, displayUrl } from "./internal/text/displayUrl.js"
import { urlIdentity } from "./internal/text/urlIdentity.js"
import * as Unvalidated from "./internal/unvalidated.js"

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
  outcome: Schema.Literal("Saved", "Skipped", "NotModified", "Failed", "Cancelled"),
  /** `server`: the server has named the file. */
  nameFrom: Schema.optionalWith(Schema.Literal("server"), { exact: true }),
  /** Why the file was skipped. */
  reason: Schema.optionalWith(Skipped.fields.reason, { exact: true }),
  /** The SHA-256 of the URL without credentials and fragment, in hexadecimal digits. It identifies a URL whose query is a secret. */
  urlKey: Schema.optionalWith(Schema.String, { exact: true }),
  /** The size of the file at the destination. This field and the next five describe that file; undefined if it was not looked at. */
  bytes: Schema.optionalWith(Schema.Number, { exact: true }),
  /** The modification time of the file, in milliseconds since 1970. */
  modifiedMillis: Schema.optionalWith(Schema.Number, { exact: true }),
  /** The URL of the response that described the file, without credentials and query values, if redirects led to it. */
  finalUrl: Schema.optionalWith(Schema.String, { exact: true }),
  /** The `ETag` of that response as it was sent. */
  etag: Schema.optionalWith(Schema.String, { exact: true }),
  /** The `Last-Modified` of that response as it was sent. */
  lastModified: Schema.optionalWith(Schema.String, { exact: true }),
  /** The digest of the content, such as `sha256:` and hexadecimal digits, if it was computed. */
  digest: Schema.optionalWith(Schema.String, { exact: true }),
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
    /**
     * Returns what is known about the file at a destination, from this run or an earlier one: the last entry with `bytes`, or else
     * the last entry.
     */
    readonly last: (destination: string) => Effect.Effect<Entry | undefined>
  }
>() {}

/**
 * Finds the names of files that earlier runs have saved, so that a file keeps the name that it has. Journals provide it.
 *
 * @category tags
 * @since 0.2.0
 */
export class SavedNames extends Context.Tag("halyard/Journal/SavedNames")<
  SavedNames,
  {
    /**
     * Returns the path of the file in a directory that came from the URL with this key. `directory` is a path with a separator at
     * its end, or empty for the current directory. Undefined if there is no entry, or if the file has come from another URL since.
     */
    readonly ofUrl: (directory: string, urlKey: string) => Effect.Effect<string | undefined>
    /** Reads what is known about the files in a directory. Returns false if nothing is known. */
    readonly load: (directory: string) => Effect.Effect<boolean>
    /** Returns true if there is an entry for this path. Call it after `load` or `ofUrl` for its directory. */
    readonly has: (path: string) => boolean
  }
>() {}

/**
 * Makes the entry for an outcome.
 *
 * @category constructors
 * @since 0.2.0
 */
export const entryOf = (outcome: DownloadOutcome): Effect.Effect<Entry> =>
  Effect.flatMap(Hasher, (hasher) =>
    Effect.clockWith((clock) => Effect.map(clock.currentTimeMillis, (atMillis) => makeEntry(outcome, hasher, atMillis)))
  )

/** @internal */
export const makeEntry = (outcome: DownloadOutcome, hasher: typeof Hasher.Service, atMillis: number): Entry => {
  const url = displayUrl(outcome.request.url)
  return Unvalidated.makeUntagged(Entry, {
    id: displayLabel(outcome.request.id),
    url,
    destination: destinationOf(outcome),
    outcome: outcome._tag,
    ...(outcome.request.nameFrom === "server" ? { nameFrom: outcome.request.nameFrom } : {}),
    ...(outcome._tag === "Skipped" ? { reason: outcome.reason } : {}),
    urlKey: urlKey(hasher, outcome.request.url),
    ...fileOf(outcome, url),
    atMillis,
    ...(outcome._tag === "Failed" ? { error: outcome.error } : {})
  })
}

/** @internal */
export const urlKeyLength = 64

/**
 * Returns the SHA-256 of a URL without its credentials and its fragment, in hexadecimal digits.
 *
 * @category combinators
 * @since 0.2.0
 */
export const urlKey = (hasher: typeof Hasher.Service, url: string): string => sha256Hex(hasher, urlIdentity(url))

/**
 * Adds an entry to the last entries. An entry that does not describe the file does not replace one that does.
 *
 * @internal
 */
export const addEntry = (last: Map<string, Entry>, entry: Entry): void => {
  const { destination } = entry
  if (entry.bytes !== undefined || last.get(destination)?.bytes === undefined) {
    last.set(destination, entry)
  }
}

const destinationOf = (outcome: DownloadOutcome): string =>
  "destination" in outcome ? (outcome.destination ?? outcome.request.destination) : outcome.request.destination

/** The fields that describe the file at the destination. */
const fileOf = (outcome: DownloadOutcome, shownUrl: string): Partial<Entry> => {
  const file: ExistingFile | undefined =
    outcome._tag === "Saved"
      ? outcome
      : outcome._tag === "Skipped" || outcome._tag === "NotModified"
        ? outcome.file
        : undefined
  if (file === undefined) {
    return {}
  }
  // Most responses come from the URL of the request.
  const finalUrl = file.url === undefined || file.url === outcome.request.url ? shownUrl : displayUrl(file.url)
  return {
    bytes: file.bytes,
    ...(file.modifiedMillis === undefined ? {} : { modifiedMillis: file.modifiedMillis }),
    ...(finalUrl === shownUrl ? {} : { finalUrl }),
    ...(file.etag === undefined ? {} : { etag: file.etag }),
    ...(file.lastModified === undefined ? {} : { lastModified: file.lastModified }),
    ...(file.digest === undefined ? {} : { digest: file.digest })
  }
}
