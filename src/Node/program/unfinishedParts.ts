/**
 * Finds the parts that runs have left in a directory.
 */
import { constants, opendir, type Stats } from "node:fs"
import { type FileHandle, lstat, open, unlink } from "node:fs/promises"
import { join } from "node:path"
import { promisify } from "node:util"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { UnfinishedPart, Unreadable } from "../../Cli/Host.js"
import { codeOf, fromCause } from "../../DownloadError/diskErrors.js"
import type { Disk } from "../../DownloadError.js"
import * as PartName from "../../Store/files/partName.js"
import { orphansIn } from "../../Store/kept/keptParts.js"
import * as Record from "../../Store/kept/record.js"
import * as ProcessTable from "../processTable.js"

export interface Options {
  /** Look into the directories below, too. Links are not followed. Default: false. */
  readonly isRecursive?: boolean | undefined
  /** Maximum number of entries that are read of each directory. Default: no limit. */
  readonly entriesAtMost?: number | undefined
}

// A process of another machine writes more often than this, or its transfer times out.
const recentMillis = 3_600_000

/** Finds the parts, directory by directory. Removes records without a part, and does not list them. */
export const find = (
  directory: string,
  { entriesAtMost = Number.POSITIVE_INFINITY, isRecursive = false }: Options
): Stream.Stream<UnfinishedPart | Unreadable> =>
  Stream.flatMap(
    Stream.unfoldEffect([directory], (left: ReadonlyArray<string>) => {
      const [next, ...others] = left
      return next === undefined
        ? Effect.succeed(Option.none())
        : Effect.match(entriesOf(next, entriesAtMost), {
            onFailure: (error) =>
              Option.some([Stream.succeed<Unreadable>({ _tag: "Unreadable", error }), others] as const),
            onSuccess: ({ directories, names }) =>
              Option.some([partsIn(next, names), isRecursive ? [...directories, ...others] : others] as const)
          })
    }),
    (parts) => parts
  )

// Every run comes here. `node:fs/promises` is loaded only if there is a part.
const openDirectory = promisify(opendir)

const entriesOf = (directory: string, entriesAtMost: number) =>
  Effect.tryPromise({
    try: async () => {
      const [names, directories]: [Array<string>, Array<string>] = [[], []]
      let entries = 0
      for await (const entry of await openDirectory(directory, { bufferSize: 1024 })) {
        if (entry.isDirectory()) {
          directories.push(join(directory, entry.name))
        } else if (PartName.parse(entry.name) !== undefined) {
          names.push(entry.name)
        }
        entries++
        if (entries === entriesAtMost) {
          break
        }
      }
      return { names, directories }
    },
    catch: (cause) => fromCause(directory, cause)
  })

const partsIn = (directory: string, names: ReadonlyArray<string>): Stream.Stream<UnfinishedPart | Unreadable> =>
  Stream.fromIterable(names).pipe(
    Stream.mapEffect((name) => partOf(directory, name)),
    Stream.filterMap(Option.fromNullable),
    Stream.ensuring(removeOrphans(directory, names))
  )

/** A part may be renamed while the directory is read, and be missed. So a record goes only if its part is missing twice. */
const removeOrphans = (directory: string, names: ReadonlyArray<string>): Effect.Effect<void> => {
  const orphans = orphansIn(names)
  return orphans.length === 0
    ? Effect.void
    : Effect.ignore(
        Effect.flatMap(entriesOf(directory, Number.POSITIVE_INFINITY), ({ names: again }) => {
          const still = new Set(orphansIn(again))
          return Effect.forEach(orphans, (id) =>
            still.has(id) ? remove(join(directory, PartName.recordName(id))) : Effect.void
          )
        })
      )
}

/** Undefined for a record, and for a part that is gone by now. */
const partOf = (directory: string, name: string): Effect.Effect<UnfinishedPart | Unreadable | undefined> =>
  Effect.gen(function* () {
    const parsed = PartName.parse(name)
    if (parsed === undefined || parsed.kind === "record") {
      return undefined
    }
    const path = join(directory, name)
    const stats = yield* look(path)
    if (stats === undefined) {
      return undefined
    }
    const table = yield* ProcessTable.own
    const owner = "owner" in parsed ? parsed.owner : undefined
    const state = owner === undefined ? "unknown" : owner === PartName.noOwner ? "ended" : yield* table.stateOf(owner)
    const isRecent = (yield* Clock.currentTimeMillis) - stats.mtimeMs < recentMillis
    const record = parsed.kind === "part" ? join(directory, PartName.recordName(parsed.id)) : undefined
    const use: UnfinishedPart["use"] =
      state === "running" ? "running" : state === "unknown" && isRecent ? "unknown" : "none"
    return {
      _tag: "UnfinishedPart" as const,
      path,
      destination: yield* destinationOf(directory, parsed, record),
      sizeBytes: stats.size,
      modifiedMillis: stats.mtimeMs,
      use,
      process: state === "running" && owner !== undefined ? PartName.processOf(owner) : undefined,
      // A process that takes the part gives it another name, so this removes no part that is in use by then.
      remove: Effect.tap(remove(path), (isRemoved) =>
        isRemoved && record !== undefined ? Effect.ignore(remove(record)) : Effect.void
      )
    }
  }).pipe(Effect.catchAll((error) => Effect.succeed({ _tag: "Unreadable" as const, error })))

const look = (path: string): Effect.Effect<Stats | undefined, Disk> =>
  Effect.tryPromise({ try: () => lstat(path), catch: (cause) => cause }).pipe(
    Effect.map((stats): Stats | undefined => stats),
    Effect.catchAll((cause) =>
      codeOf(cause) === "ENOENT" ? Effect.succeed(undefined) : Effect.fail(fromCause(path, cause))
    )
  )

/** The name of the destination, from the record if there is one, because the name of the part may be truncated. */
const destinationOf = (
  directory: string,
  parsed: Exclude<PartName.Parsed, { readonly kind: "record" }>,
  record: string | undefined
): Effect.Effect<string | undefined> =>
  Effect.map(record === undefined ? Effect.succeed(undefined) : recordIn(record), (checkpoint) => {
    const name = checkpoint?.destination ?? (parsed.kind === "part" ? parsed.destinationName : "")
    return name === "" || name.includes("/") ? undefined : join(directory, name)
  })

// Larger records are read by the transfer that continues the part.
const recordBytes = 1024 * 1024

const recordIn = (path: string): Effect.Effect<Record.Checkpoint | undefined> =>
  Effect.orElseSucceed(
    Effect.tryPromise(async () => {
      let file: FileHandle | undefined
      try {
        // Without waiting, if another user has made a pipe of this name.
        file = await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0))
        const { buffer, bytesRead } = await file.read(new Uint8Array(recordBytes), 0, recordBytes, 0)
        return Record.newestIn(buffer.subarray(0, bytesRead))?.checkpoint
      } finally {
        await file?.close()
      }
    }),
    () => undefined
  )

/** False if there is no such file. */
const remove = (path: string): Effect.Effect<boolean, Disk> =>
  Effect.tryPromise({ try: () => unlink(path), catch: (cause) => cause }).pipe(
    Effect.as(true),
    Effect.catchAll((cause) =>
      codeOf(cause) === "ENOENT" ? Effect.succeed(false) : Effect.fail(fromCause(path, cause))
    )
  )
