/**
 * A store on blocking calls of the operating system, which are measured.
 *
 * To pass a call to a thread and back takes longer than a local file system needs for a whole small file. The calls are therefore made
 * on the event loop while they are fast. While they are slow (a busy disk, a network), parts are written through `Store/FileSystem`,
 * and a blocking call is tried once in 256 times.
 *
 * @since 0.2.0
 */
import type * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { codeOf, fromCause } from "../DownloadError/diskErrors.js"
import { isExit } from "../internal/andThen.js"
import * as Store from "../Store.js"
import * as FileSystemStore from "./FileSystem.js"
import * as FilePart from "./filePart.js"
import type { FileOperations } from "./files/fileOperations.js"
import { MemoryFileSystems } from "./files/memoryFileSystems.js"
import { OpenFiles } from "./files/openFiles.js"
import * as PartName from "./files/partName.js"
import { makeMemoryBudget } from "./files/writeBuffer.js"
import { KeptParts } from "./kept/keptParts.js"
import * as LazyFile from "./lazyFile.js"
import { DirectorySyncs } from "./syncs/directorySyncs.js"
import { FileSyncs } from "./syncs/fileSyncs.js"
import { SyncProbe } from "./syncs/syncProbe.js"
import * as SyncWriteProbe from "./syncs/syncWriteProbe.js"
import type { SystemCalls } from "./systemCalls.js"

/** @internal */
export const make = (
  calls: SystemCalls,
  limits: LazyFile.Limits = LazyFile.defaultLimits
): Effect.Effect<typeof Store.Store.Service, never, FileSystem.FileSystem | Path.Path | Scope.Scope> =>
  Effect.gen(function* () {
    const path = yield* Path.Path
    const memory = makeMemoryBudget()
    const reservations = { bytes: 0 }
    const shared = { draw: yield* PartName.make, processes: yield* calls.processes, kept: new KeptParts() }
    const freeBytes = (directory: string) =>
      probe.isFast() ? probe.measure(() => attempt(() => calls.freeBytes(directory))) : calls.freeBytesAsync(directory)
    const fileSystem = yield* FileSystemStore.makeWith(shared, { freeBytes, limits, memory, reservations })
    const clock = yield* Effect.clock
    const nowMillis = () => Number(clock.unsafeCurrentTimeNanos()) / 1e6
    const probe = SyncWriteProbe.make(nowMillis)
    const syncProbe = new SyncProbe(nowMillis)
    const memoryFileSystems = new MemoryFileSystems(calls.isInMemory, nowMillis)
    const openFiles = new OpenFiles(calls.releaseDescriptor)
    yield* Effect.acquireRelease(
      Effect.sync(() => calls.onDescriptorNeeded(() => openFiles.closeIdle())),
      (unregister) => Effect.sync(unregister)
    )
    const blocking = operationsOf(calls, attempt)
    const measured = operationsOf(calls, (call) => probe.measure(() => attempt(call)))
    const operations: FileOperations<number> = {
      ...measured,
      write: (descriptor, bytes, positionBytes) =>
        (probe.isFast() ? measured.write : calls.writeAsync)(descriptor, bytes, positionBytes)
    }
    const dependencies: LazyFile.Dependencies<number> = {
      operations,
      runSync: (act) => (probe.isFast() ? probe.measure(() => exitOf(() => act(blocking))) : undefined),
      closeToReopen: (descriptor, name) => {
        const closed = attempt(() => calls.closeToReopen(descriptor, name))
        if (Exit.isFailure(closed)) {
          // A file that cannot be removed is left.
          void blocking.remove(name)
        }
        return Exit.map(closed, (reopen) => () => attempt(reopen))
      },
      directoryOf: path.sep === "/" ? directoryOf : path.dirname,
      separator: path.sep,
      shared,
      freeBytes,
      // A look at the file system of a directory blocks, so it is made only while syncs are fast.
      needsSync: (directory) => !(syncProbe.isFast && memoryFileSystems.has(directory)),
      reservations,
      memory,
      limits,
      openFiles,
      fileSyncs: new FileSyncs({
        sync: operations.sync,
        blocking: { probe: syncProbe, sync: (descriptor) => attempt(() => calls.sync(descriptor)) },
        shared: yield* calls.fileSystemSyncs,
        limits: limits.syncs,
        nowMillis
      }),
      directorySyncs: new DirectorySyncs(operations, openFiles, {
        probe: syncProbe,
        sync: (path) => attempt(() => calls.syncDirectory(path))
      })
    }
    return Store.Store.of({
      prepare: fileSystem.prepare,
      stat: (destination) =>
        probe.isFast()
          ? Exit.mapError(
              probe.measure(() => attempt(() => calls.stat(destination))),
              (cause) => fromCause(destination, cause)
            )
          : fileSystem.stat(destination),
      read: fileSystem.read,
      open: (destination, options) =>
        probe.isFast() ? FilePart.open(dependencies, destination, options) : fileSystem.open(destination, options)
    })
  })

/** @internal */
export const layer = (
  calls: SystemCalls,
  limits?: LazyFile.Limits
): Layer.Layer<Store.Store, never, FileSystem.FileSystem | Path.Path> => Layer.scoped(Store.Store, make(calls, limits))

// `dirname` of Node reads a path character by character.
const directoryOf = (destination: string): string => {
  const index = destination.lastIndexOf("/")
  return index < 0 ? "." : index === 0 ? "/" : destination.slice(0, index)
}

const operationsOf = (
  calls: SystemCalls,
  run: <A>(call: () => A) => Exit.Exit<A, unknown>
): FileOperations<number> => ({
  create: (path, access) => run(() => calls.create(path, access)),
  openOwn: (path) => run(() => calls.openOwn(path)),
  inspect: (path) => run(() => calls.inspect(path)),
  list: calls.list,
  truncate: (descriptor, sizeBytes) => run(() => calls.truncate(descriptor, sizeBytes)),
  write: (descriptor, bytes, positionBytes) => run(() => calls.write(descriptor, bytes, positionBytes)),
  read: calls.readAsync,
  sync: calls.syncAsync,
  close: (descriptor) => run(() => calls.close(descriptor)),
  setAccess: (descriptor, access) => run(() => calls.setAccess(descriptor, access)),
  setModified: (descriptor, millis) => run(() => calls.setModified(descriptor, millis)),
  accessOf: (path) => run(() => calls.accessOf(path)),
  stat: (path) => run(() => calls.stat(path)),
  rename: (from, to) => run(() => calls.rename(from, to)),
  link: (from, to) => run(() => calls.link(from, to)),
  remove: (path) => run(() => calls.remove(path)),
  syncDirectory: calls.syncDirectoryAsync
})

/** An error without the operating system's code is a bug. */
const attempt = <A>(call: () => A): Exit.Exit<A, unknown> => {
  try {
    return Exit.succeed(call())
  } catch (cause) {
    return codeOf(cause) === "" ? Exit.die(cause) : Exit.fail(cause)
  }
}

const exitOf = <A>(act: () => Effect.Effect<A, unknown>): Exit.Exit<A, unknown> => {
  try {
    const effect = act()
    return isExit(effect) ? effect : Exit.die(new Error("an operation that waits was used in a call"))
  } catch (bug) {
    return Exit.die(bug)
  }
}
