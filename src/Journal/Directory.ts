/**
 * A journal beside the files: one state file in each directory, with a line of JSON for each file that was saved there.
 *
 * It remembers what is at destinations. A failed or cancelled request changes nothing there, and leaves no line. A line is appended
 * at once or a few milliseconds later: after a kill, the last ones may be missing, which costs a later run one request each. A state
 * file that cannot be written or read does not fail a transfer: the problem is reported once, and the run goes on without it.
 *
 * @internal
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import { fromCause } from "../DownloadError/diskErrors.js"
import { andThen, errorOf, isExit, matchExit } from "../internal/andThen.js"
import * as Printable from "../internal/text/printable.js"
import { type Entry, type Journal, type SavedNames, urlKeyLength } from "../Journal.js"
import { compact, damagedSuffix, Elsewhere } from "./directory/compaction.js"
import * as Line from "./directory/line.js"
import { LineIndex, StateFile, urlIn } from "./directory/lineIndex.js"
import type { StateFiles } from "./directory/stateFiles.js"

/** The name of a state file. */
export const stateFileName = ".halyard.ndjson"

// An outcome is written at once if the last such write began this long ago. A write for each would cost a twentieth of a small file.
const leastMillis = 2

// The lines that were not written at once are written after this time.
const batchMillis = 10

// A disk that takes no more lines must not fill the memory.
const pendingAtMost = 10_000

export interface DirectoryJournal {
  readonly journal: typeof Journal.Service
  readonly names: typeof SavedNames.Service
}

export interface Options {
  /** Receives a line for the user, once for each directory and kind of problem. */
  readonly onProblem: (text: string) => void
  /** Whether no state file is changed, so that nothing is recorded. Default: false. */
  readonly isReadOnly?: boolean | undefined
}

export const make = (
  files: StateFiles,
  { isReadOnly = false, onProblem }: Options
): Effect.Effect<DirectoryJournal, never, Scope.Scope> =>
  Effect.gen(function* () {
    const directories = new Map<string, Directory>()
    const index = new LineIndex(files, (line, prefix) => {
      const keys = Line.keysOf(line)
      if (typeof keys === "string") {
        return keys
      }
      const { name, urlKey } = keys
      return { path: prefix + name, url: urlKey === undefined ? undefined : urlIn(prefix, urlKey), isOfFile: true }
    })
    const clock = yield* Effect.clock
    const lock = yield* Effect.makeSemaphore(1)
    let isLocked = false
    let writtenAt = Number.NEGATIVE_INFINITY
    const wanted = yield* Effect.makeLatch()
    /** The directories with entries that are not written. */
    const unwritten = new Set<Directory>()

    const directoryOf = (path: string): Directory => {
      const prefix = path.slice(0, files.nameIndex(path))
      const known = directories.get(prefix)
      const directory = known ?? new Directory(prefix)
      if (known === undefined) {
        directories.set(prefix, directory)
      }
      return directory
    }

    const report = ({ file }: Directory, what: string): void => onProblem(`${Printable.line(file.path)}: ${what}`)

    const explained = ({ file }: Directory, cause: unknown): string => fromCause(file.path, cause).explanation

    const failed = (directory: Directory, action: string, cause: unknown): void => {
      const { file, pending } = directory
      pending.clear()
      if (!file.isBroken) {
        file.isBroken = true
        report(directory, `it cannot be ${action}, and is not used: ${explained(directory, cause)}`)
      }
    }

    const exclusively = (effect: Effect.Effect<void>): Effect.Effect<void> => {
      const setLocked = (value: boolean) =>
        Effect.sync(() => {
          isLocked = value
        })
      return lock.withPermits(1)(
        Effect.acquireUseRelease(
          setLocked(true),
          () => effect,
          () => setLocked(false)
        )
      )
    }

    /** Appends the lines of a directory. An `Exit` if they are written, or else an effect that has done nothing yet. */
    const write = (directory: Directory): Effect.Effect<void> => {
      const { file, pending, prefix } = directory
      if (pending.size === 0) {
        return Exit.void
      }
      const entries = [...pending.values()]
      const lines = entries.map((entry) => Line.encode(entry.destination.slice(prefix.length), entry))
      // A crash of any process may have cut the last line.
      const bytes = new TextEncoder().encode(`\n${lines.join("\n")}\n`)
      return matchExit(files.append(file.path, bytes), (exit) => {
        if (Exit.isFailure(exit)) {
          failed(directory, "written", errorOf(exit))
          return Exit.void
        }
        index.appended(file, bytes, exit.value)
        directory.hasWritten = true
        for (const entry of entries) {
          if (pending.get(entry.destination) === entry) {
            pending.delete(entry.destination)
          }
        }
        return Exit.void
      })
    }

    /** Writes the lines of a directory now, if that was not done a moment ago and does not have to wait. Returns whether it has. */
    const hasWrittenNow = (directory: Directory): boolean => {
      const now = Number(clock.unsafeCurrentTimeNanos()) / 1e6
      if (isLocked || now - writtenAt < leastMillis) {
        return false
      }
      writtenAt = now
      return isExit(write(directory))
    }

    const flush: Effect.Effect<void> = Effect.uninterruptible(
      exclusively(
        Effect.suspend(() => {
          const directories = [...unwritten]
          unwritten.clear()
          return Effect.forEach(directories, (directory) => Effect.suspend(() => write(directory)), { discard: true })
        })
      )
    )

    const loadNow = (directory: Directory): Effect.Effect<void> =>
      exclusively(
        Effect.suspend(() => {
          const { file } = directory
          return file.isScanned || file.isBroken
            ? Effect.void
            : index.scan(file).pipe(
                Effect.tap(() =>
                  Effect.sync(() => {
                    file.isScanned = true
                    directory.wasEmpty ??= file.lines === 0
                    if (file.damagedLines > 0 && !directory.isDamaged) {
                      directory.isDamaged = true
                      const lines = file.damagedLines === 1 ? "1 line" : `${file.damagedLines} lines`
                      const moved = `; at the end of the run, ${file.damagedLines === 1 ? "it goes" : "they go"} to ${stateFileName}${damagedSuffix}`
                      report(directory, `it is damaged: ${lines} cannot be read${isReadOnly ? "" : moved}`)
                    }
                  })
                ),
                Effect.catchAll((cause) => Effect.sync(() => failed(directory, "read", cause)))
              )
        })
      )

    const load = (directory: Directory): Effect.Effect<void> =>
      directory.file.isScanned || directory.file.isBroken ? Exit.void : loadNow(directory)

    const entryOf = (directory: Directory, line: Effect.Effect<string | undefined, unknown>) =>
      Effect.catchAll(
        andThen(line, (text) => Exit.succeed(text === undefined ? undefined : Line.decode(text, directory.prefix))),
        (cause) => Effect.sync(() => void failed(directory, "read", cause))
      )

    const last = (destination: string): Effect.Effect<Entry | undefined> => {
      const directory = directoryOf(destination)
      const { looked, pending } = directory
      const known = pending.get(destination) ?? (looked?.destination === destination ? looked : undefined)
      if (known !== undefined) {
        return Exit.succeed(known)
      }
      return andThen(load(directory), () => {
        if (directory.file.isBroken || !index.has(destination)) {
          return Exit.succeed(undefined)
        }
        return Effect.map(entryOf(directory, index.lineOfPath(directory.file, destination)), (entry) => {
          const found = entry?.destination === destination ? entry : undefined
          directory.looked = found
          return found
        })
      })
    }

    // The lines of one run replace no others of it.
    const tidy = (directory: Directory): Effect.Effect<void> =>
      !isReadOnly && ((directory.hasWritten && directory.wasEmpty !== true) || directory.file.damagedLines > 0)
        ? Effect.flatMap(Clock.currentTimeMillis, (now) =>
            Effect.flatMap(load(directory), () => {
              const { damagedLines, isBroken, lines, liveLines } = directory.file
              return !isBroken && (damagedLines > 0 || lines > 2 * liveLines + 1000)
                ? Effect.catchAll(compact(files, index, directory.file, now), (cause) =>
                    Effect.sync(() => {
                      // A file that is only longer than it could be is no problem.
                      if (damagedLines > 0 && !(cause instanceof Elsewhere)) {
                        report(directory, `it cannot be repaired: ${explained(directory, cause)}`)
                      }
                    })
                  )
                : Effect.void
            })
          )
        : Effect.void

    yield* Effect.addFinalizer(() =>
      Effect.zipRight(
        flush,
        Effect.suspend(() => Effect.forEach(directories.values(), tidy, { discard: true }))
      )
    )
    // Interruptible even if the layer is built by an effect that is not: otherwise closing the scope would wait for ever.
    yield* Effect.forkScoped(
      Effect.interruptible(
        Effect.forever(
          wanted.await.pipe(
            Effect.zipRight(Effect.sleep(batchMillis)),
            Effect.zipRight(wanted.close),
            Effect.zipRight(flush)
          )
        )
      )
    )

    return {
      journal: {
        record: (entry) => {
          const isRecorded = entry.reason === "recorded"
          if (isReadOnly || entry.bytes === undefined || (isRecorded && entry.nameFrom === undefined)) {
            return Exit.void
          }
          const directory = directoryOf(entry.destination)
          if (directory.file.isBroken) {
            return Exit.void
          }
          if ((isRecorded || entry.outcome === "NotModified") && isSame(directory.looked, entry)) {
            directory.looked = entry
            return Exit.void
          }
          directory.looked = undefined
          directory.pending.set(entry.destination, entry)
          if (hasWrittenNow(directory)) {
            return Exit.void
          }
          unwritten.add(directory)
          wanted.unsafeOpen()
          return directory.pending.size > pendingAtMost ? flush : Exit.void
        },
        last
      },
      names: {
        ofUrl: (directory, key) => {
          const found = directoryOf(directory)
          if (key.length !== urlKeyLength) {
            return Exit.succeed(undefined)
          }
          return andThen(load(found), () => {
            const line = found.file.isBroken
              ? Exit.succeed(undefined)
              : index.lineOfUrl(found.file, urlIn(found.prefix, key))
            return andThen(entryOf(found, line), (entry) =>
              entry?.urlKey !== key
                ? Exit.succeed(undefined)
                : // A later line may say that the file came from another URL.
                  andThen(last(entry.destination), (newest) =>
                    Exit.succeed(newest?.urlKey === key ? newest.destination : undefined)
                  )
            )
          })
        },
        load: (directory) => {
          const found = directoryOf(directory)
          return andThen(load(found), () => Exit.succeed(!found.file.isBroken && found.file.liveLines > 0))
        },
        has: (path) => index.has(path)
      }
    }
  })

/** A directory with a state file. */
class Directory {
  readonly file: StateFile
  /** The last entry of each path that is not written yet. */
  readonly pending = new Map<string, Entry>()
  /** The entry that `last` has returned last, or the one that was recorded for its path since and says the same. */
  looked: Entry | undefined
  /** True if damaged lines were reported. */
  isDamaged = false
  hasWritten = false
  /** Whether the state file had no lines when it was read first. Undefined if it was not read. */
  wasEmpty: boolean | undefined

  constructor(readonly prefix: string) {
    this.file = new StateFile(prefix + stateFileName, prefix)
  }
}

const fields = [
  "destination",
  "nameFrom",
  "urlKey",
  "bytes",
  "modifiedMillis",
  "finalUrl",
  "etag",
  "lastModified",
  "digest"
] as const

const isSame = (one: Entry | undefined, other: Entry): boolean =>
  one !== undefined && fields.every((field) => one[field] === other[field])
