/**
 * The journal that `halyard get` uses: a state file, `.halyard.ndjson`, in each directory to which files are saved.
 *
 * @since 0.2.0
 */
import { closeSync, constants, fstatSync, lstatSync, openSync, type Stats, writeSync } from "node:fs"
import { type FileHandle, open, rename, unlink } from "node:fs/promises"
import { dirname, sep } from "node:path"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Runtime from "effect/Runtime"
import * as Directory from "../Journal/Directory.js"
import type { Seen, StateFiles } from "../Journal/directory/stateFiles.js"
import { Journal, SavedNames } from "../Journal.js"
import * as SyncWriteProbe from "../Store/syncs/syncWriteProbe.js"

// Windows has no such flags. Without the second one, opening a pipe would wait for its other end.
const [noFollow, noWait] = [constants.O_NOFOLLOW ?? 0, constants.O_NONBLOCK ?? 0]

const separator = sep === "/" ? /\/(?=[^/]*$)/ : /[\\/:](?=[^\\/:]*$)/

/** `probe` measures blocking calls. One takes a tenth of the processor time of the same call on a thread. */
const filesWith = (probe: SyncWriteProbe.SyncWriteProbe): StateFiles => ({
  nameIndex: (path) => path.search(separator) + 1,
  read: (path, positionBytes, into) =>
    Effect.tryPromise({
      try: async () => {
        let file: FileHandle
        try {
          file = await open(path, constants.O_RDONLY | noFollow | noWait)
        } catch (error) {
          if (isMissing(error)) {
            return undefined
          }
          throw error
        }
        return use(file, async () => {
          const stats = checked(await file.stat(), path)
          const { bytesRead } = await file.read(into, 0, into.length, positionBytes)
          return { ...seen(stats), readBytes: bytesRead }
        })
      },
      catch: (error) => error
    }),
  append: (path, bytes) =>
    probe.isFast()
      ? probe.measure(() => appendNow(path, bytes))
      : Effect.tryPromise({
          try: async () => {
            const file = await open(path, appendFlags, 0o600)
            return use(file, async () => {
              checked(await file.stat(), path)
              for (let done = 0; done < bytes.length; ) {
                done += (await file.write(bytes, done)).bytesWritten
              }
              return seen(await file.stat())
            })
          },
          catch: (error) => error
        }),
  create: (path) =>
    Effect.tryPromise({
      try: async () => {
        const file = await open(path, "wx", 0o600)
        await file.close()
      },
      catch: (error) => error
    }),
  rename: (from, to) => Effect.tryPromise({ try: () => rename(from, to), catch: (error) => error }),
  remove: (path) => Effect.tryPromise({ try: () => unlink(path), catch: (error) => error })
})

const appendFlags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | noFollow | noWait

const appendNow = (path: string, bytes: Uint8Array): Exit.Exit<Seen, unknown> => {
  try {
    const file = openSync(path, appendFlags, 0o600)
    try {
      checked(fstatSync(file), path)
      for (let done = 0; done < bytes.length; ) {
        done += writeSync(file, bytes, done)
      }
      return Exit.succeed(seen(fstatSync(file)))
    } finally {
      closeSync(file)
    }
  } catch (error) {
    return Exit.fail(error)
  }
}

const isMissing = (error: unknown): boolean =>
  error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR")

const use = async <A>(file: FileHandle, act: () => Promise<A>): Promise<A> => {
  try {
    return await act()
  } finally {
    await file.close()
  }
}

const seen = ({ dev, ino, mtimeMs, size }: Stats): Seen => ({
  identity: `${dev} ${ino}`,
  sizeBytes: size,
  modifiedMillis: mtimeMs
})

/** Refuses a file that another user may have put there. */
const checked = (stats: Stats, path: string): Stats => {
  if (!stats.isFile() || stats.nlink > 1) {
    throw Object.assign(new Error("it is no regular file, or has a second name"), { code: "EINVAL" })
  }
  const own = process.geteuid?.()
  if (own !== undefined && stats.uid !== own && stats.uid !== lstatSync(dirname(path)).uid) {
    throw Object.assign(new Error("it belongs to another user"), { code: "EPERM" })
  }
  return stats
}

/**
 * A journal with a state file in each directory. It remembers what is at destinations, so that a later run finds with
 * `onExists: "update"` what it saved. `onProblem` receives a line if a state file is damaged or cannot be used, once for each.
 * With `isReadOnly`, no state file is changed and nothing is recorded.
 *
 * @category layers
 * @since 0.2.0
 */
export const layerWith = (options: {
  readonly onProblem: (text: string) => void
  readonly isReadOnly?: boolean | undefined
}): Layer.Layer<Journal | SavedNames> =>
  Layer.scopedContext(
    Effect.clockWith((clock) =>
      Effect.map(
        Directory.make(filesWith(SyncWriteProbe.make(() => Number(clock.unsafeCurrentTimeNanos()) / 1e6)), options),
        ({ journal, names }) => Context.make(Journal, journal).pipe(Context.add(SavedNames, names))
      )
    )
  )

/**
 * A journal with a state file in each directory, which logs a warning if a state file cannot be used.
 *
 * @category layers
 * @since 0.2.0
 */
export const layer: Layer.Layer<Journal | SavedNames> = Layer.unwrapEffect(
  Effect.map(Effect.runtime(), (runtime) =>
    layerWith({ onProblem: (text) => void Runtime.runFork(runtime, Effect.logWarning(text)) })
  )
)
