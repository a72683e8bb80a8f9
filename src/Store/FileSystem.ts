/**
 * A store on the `FileSystem` of the host program.
 *
 * @since 0.1.0
 */
import type { PlatformError } from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { codeOf, fromCause, isUnsupported } from "../DownloadError/diskErrors.js"
import { Disk } from "../DownloadError.js"
import { completeWhenDescriptorFree, isTooManyOpenCode } from "../internal/descriptors.js"
import * as Printable from "../internal/text/printable.js"
import { type FileInfo, Store } from "../Store.js"
import * as FilePart from "./filePart.js"
import { type Access, modeFor } from "./files/fileAccess.js"
import type { FileOperations, Inspected } from "./files/fileOperations.js"
import { OpenFiles } from "./files/openFiles.js"
import * as PartName from "./files/partName.js"
import { makeMemoryBudget } from "./files/writeBuffer.js"
import { KeptParts } from "./kept/keptParts.js"
import * as ProcessTable from "./kept/processTable.js"
import * as LazyFile from "./lazyFile.js"
import { DirectorySyncs } from "./syncs/directorySyncs.js"
import { FileSyncs } from "./syncs/fileSyncs.js"

/**
 * Makes a store that shares with another backend what does not depend on the operations.
 *
 * @internal
 */
export const makeWith = (
  shared: LazyFile.StoreShared,
  {
    freeBytes,
    limits,
    memory,
    reservations
  }: Pick<LazyFile.Dependencies<never>, "freeBytes" | "limits" | "memory" | "reservations">
): Effect.Effect<typeof Store.Service, never, FileSystem.FileSystem | Path.Path> =>
  Effect.gen(function* () {
    const path = yield* Path.Path
    const fs = yield* FileSystem.FileSystem
    const operations = operationsOf(fs, shared.processes.uid)
    const openFiles = new OpenFiles(() => {})
    const dependencies: LazyFile.Dependencies<OpenedFile> = {
      operations,
      runSync: () => undefined,
      closeToReopen: () => undefined,
      directoryOf: path.dirname,
      separator: path.sep,
      shared,
      freeBytes,
      needsSync: () => true,
      reservations,
      memory,
      limits,
      openFiles,
      fileSyncs: new FileSyncs({
        sync: operations.sync,
        blocking: undefined,
        shared: undefined,
        limits: limits.syncs,
        nowMillis: () => 0
      }),
      directorySyncs: new DirectorySyncs(operations, openFiles, undefined)
    }

    // The recursive operation of Node never ends if a missing directory cannot be created.
    const makeDirectories = (directory: string): Effect.Effect<void, unknown> =>
      fs.makeDirectory(directory).pipe(
        Effect.catchIf(
          (error) => codeOf(error) === "ENOENT" && path.dirname(directory) !== directory,
          () => Effect.zipRight(makeDirectories(path.dirname(directory)), fs.makeDirectory(directory))
        ),
        Effect.as(true),
        Effect.catchIf(
          (error) => codeOf(error) === "EEXIST",
          () => Effect.succeed(false)
        ),
        // If a power cut loses a directory, its files are lost as well.
        Effect.flatMap((isNew) =>
          isNew
            ? completeWhenDescriptorFree((error) => isTooManyOpenCode(codeOf(error)))(
                operations.syncDirectory(path.dirname(directory))
              )
            : Effect.void
        )
      )

    return Store.of({
      prepare: (directory) =>
        makeDirectories(directory).pipe(
          Effect.zipRight(fs.access(directory, { writable: true })),
          Effect.zipRight(fs.stat(directory)),
          Effect.mapError((cause) => fromCause(directory, cause)),
          Effect.flatMap((info) =>
            info.type === "Directory"
              ? Effect.void
              : new Disk({ path: Printable.line(directory), reason: "not-a-directory", detail: "" })
          )
        ),
      stat: (destination) => Effect.mapError(operations.stat(destination), (cause) => fromCause(destination, cause)),
      read: (destination) =>
        Stream.mapError(fs.stream(destination, { chunkSize: readBytes }), (cause) => fromCause(destination, cause)),
      open: (destination, options) => FilePart.open(dependencies, destination, options)
    })
  })

/** @internal */
export const makeAlone = (
  limits: LazyFile.Limits
): Effect.Effect<typeof Store.Service, never, FileSystem.FileSystem | Path.Path> =>
  Effect.gen(function* () {
    const processes = yield* ProcessTable.fromFileSystem(yield* FileSystem.FileSystem)
    return yield* makeWith(
      { draw: yield* PartName.make, processes, kept: new KeptParts() },
      { freeBytes: () => Exit.succeed(undefined), limits, memory: makeMemoryBudget(), reservations: { bytes: 0 } }
    )
  })

/**
 * Makes a store with the `FileSystem` and the `Path` in the context. A `FileSystem` does not say how much is free, so `reserve`
 * succeeds. Whether the process of an earlier run has ended is known on Linux. Elsewhere a part that was not closed is copied before it
 * is continued, and only if its bytes were synced.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make: Effect.Effect<typeof Store.Service, never, FileSystem.FileSystem | Path.Path> = Effect.suspend(() =>
  makeAlone(LazyFile.defaultLimits)
)

/**
 * A store on the `FileSystem` and the `Path` in the context.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<Store, never, FileSystem.FileSystem | Path.Path> = Layer.effect(Store, make)

interface OpenedFile {
  readonly path: string
  readonly file: FileSystem.File
  /** Closing it closes the file. */
  readonly scope: Scope.CloseableScope
  /** A `File` has one position for all reads and writes. */
  readonly lock: Effect.Semaphore
  /** The position of the file. NaN if it is not known. */
  positionBytes: number
}

const operationsOf = (fs: FileSystem.FileSystem, uid: number | undefined): FileOperations<OpenedFile> => ({
  create: (path, access) => opened(fs, path, access === "private" ? { flag: "wx+", mode: 0o600 } : { flag: "wx+" }),
  openOwn: (path) =>
    // A `FileSystem` cannot refuse to follow a link, so the file is looked at before it is opened, and afterwards.
    Effect.flatMap(inspected(fs, path, uid), (found) =>
      found === undefined
        ? Effect.fail(withErrno("ENOENT"))
        : found.isOwn
          ? Effect.flatMap(opened(fs, path, { flag: "r+" }), (file) =>
              Effect.flatMap(file.file.stat, (info) =>
                isOwn(info, uid)
                  ? Effect.succeed(file)
                  : Effect.zipRight(Scope.close(file.scope, Exit.void), Effect.fail(withErrno("ESTALE")))
              )
            )
          : Effect.fail(withErrno("ESTALE"))
    ),
  inspect: (path) => inspected(fs, path, uid),
  list: (directory) => fs.readDirectory(directory),
  truncate: (opened, sizeBytes) =>
    opened.lock.withPermits(1)(
      Effect.suspend(() => {
        opened.positionBytes = Number.NaN
        return opened.file.truncate(sizeBytes)
      })
    ),
  write: (opened, bytes, positionBytes) => at(opened, positionBytes, opened.file.write(bytes)),
  read: (opened, into, positionBytes) => at(opened, positionBytes, opened.file.read(into)),
  sync: ({ file }) => file.sync,
  // A `File` reports as a defect that it could not be closed.
  close: ({ scope }) =>
    Effect.catchAllCause(Scope.close(scope, Exit.void), (cause) => Effect.fail(Cause.squash(cause))),
  // By name, because a `File` has no such operations. Until then, only the owner can read the part.
  setAccess: Effect.fnUntraced(function* ({ path }, access) {
    const own = ownerOf(yield* fs.stat(path))
    const isSame = own.uid === access.uid && own.gid === access.gid
    const isChanged = isSame || (yield* Effect.isSuccess(fs.chown(path, access.uid, access.gid)))
    yield* Effect.catchIf(
      fs.chmod(path, modeFor(access, isChanged ? access : own)),
      (error) => isUnsupported(codeOf(error)),
      () => Effect.void
    )
  }),
  setModified: ({ path }, millis) => fs.utimes(path, new Date(millis), new Date(millis)),
  accessOf: (path) =>
    // The link first: this process may not be allowed to look at the file to which it leads, or there is none.
    Effect.matchEffect(fs.readLink(path), {
      onSuccess: () => Effect.succeed(undefined),
      onFailure: () =>
        Effect.map(infoOf(fs, path), (info) => {
          if (info === undefined || info.type === "Directory") {
            return undefined
          }
          return info.type === "File" ? { mode: info.mode, ...ownerOf(info) } : "special"
        })
    }),
  stat: (path) =>
    // The link first, because it is the link that would be replaced.
    Effect.matchEffect(fs.readLink(path), {
      onSuccess: () => Effect.match(fs.stat(path), { onSuccess: fileInfoOf, onFailure: () => fileInfoOf(undefined) }),
      onFailure: (error) =>
        Effect.flatMap(isMissing(error) ? Effect.succeed(undefined) : infoOf(fs, path), (info) =>
          info?.type === "Directory"
            ? Effect.fail(withErrno("EISDIR"))
            : Effect.succeed(info === undefined ? undefined : fileInfoOf(info))
        )
    }),
  rename: (from, to) => fs.rename(from, to),
  link: (from, to) => fs.link(from, to),
  remove: (path) => fs.remove(path),
  syncDirectory: (path) =>
    Effect.catchIf(
      Effect.scoped(Effect.flatMap(fs.open(path, { flag: "r" }), ({ sync }) => sync)),
      // A directory that may be written and not read cannot be synced by this process.
      (error) => isUnsupported(codeOf(error)) || codeOf(error) === "EACCES",
      () => Effect.void
    )
})

const opened = (
  fs: FileSystem.FileSystem,
  path: string,
  options: FileSystem.OpenFileOptions
): Effect.Effect<OpenedFile, PlatformError> =>
  Effect.flatMap(Scope.make(), (scope) =>
    fs.open(path, options).pipe(
      Scope.extend(scope),
      Effect.map((file): OpenedFile => ({ path, file, scope, lock: Effect.unsafeMakeSemaphore(1), positionBytes: 0 }))
    )
  )

const withErrno = (code: string): Error => Object.assign(new Error(code), { code })

const isOwn = (info: FileSystem.File.Info, uid: number | undefined): boolean =>
  info.type === "File" &&
  Option.getOrElse(info.nlink, () => 1) <= 1 &&
  (uid === undefined || Option.getOrElse(info.uid, () => uid) === uid)

const inspected = (
  fs: FileSystem.FileSystem,
  path: string,
  uid: number | undefined
): Effect.Effect<Inspected | undefined, PlatformError> =>
  Effect.matchEffect(fs.readLink(path), {
    onSuccess: () => Effect.succeed({ isOwn: false, sizeBytes: 0, allocatedBytes: 0 }),
    onFailure: () =>
      Effect.map(infoOf(fs, path), (info) => {
        if (info === undefined) {
          return undefined
        }
        const sizeBytes = Number(info.size)
        const blocks = Option.getOrElse(info.blocks, () => Number.POSITIVE_INFINITY)
        return { isOwn: isOwn(info, uid), sizeBytes, allocatedBytes: Math.min(sizeBytes, blocks * 512) }
      })
  })

/** Reads or writes at a position. Seeks only if the file is at another one. */
const at = (
  opened: OpenedFile,
  positionBytes: number,
  use: Effect.Effect<FileSystem.Size, PlatformError>
): Effect.Effect<number, PlatformError> =>
  opened.lock.withPermits(1)(
    Effect.suspend(() => {
      const seek = opened.positionBytes === positionBytes ? Effect.void : opened.file.seek(positionBytes, "start")
      opened.positionBytes = Number.NaN
      return Effect.map(Effect.zipRight(seek, use), (size) => {
        opened.positionBytes = positionBytes + Number(size)
        return Number(size)
      })
    })
  )

const infoOf = (
  fs: FileSystem.FileSystem,
  path: string
): Effect.Effect<FileSystem.File.Info | undefined, PlatformError> =>
  Effect.catchIf(fs.stat(path), isMissing, () => Effect.succeed(undefined))

const isMissing = (error: PlatformError): boolean => /^E(?:NOENT|NOTDIR)$/.test(codeOf(error))

/** `info`: undefined for a link that leads nowhere. */
const fileInfoOf = (info: FileSystem.File.Info | undefined): FileInfo => ({
  sizeBytes: info?.type === "File" ? Number(info.size) : undefined,
  modifiedMillis: info === undefined ? undefined : Option.getOrUndefined(Option.map(info.mtime, Number))
})

// The digest of a chunk takes a few milliseconds at most.
const readBytes = 1024 * 1024

const ownerOf = ({ gid, uid }: FileSystem.File.Info): Omit<Access, "mode"> => ({
  uid: Option.getOrElse(uid, () => 0),
  gid: Option.getOrElse(gid, () => 0)
})
