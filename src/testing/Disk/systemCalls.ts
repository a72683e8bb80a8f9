/**
 * A disk as the calls of an operating system. Calls that block have no delays.
 *
 * @internal
 */
import type { SystemError } from "@effect/platform/Error"
import * as Effect from "effect/Effect"
import { modeFor } from "../../Store/files/fileAccess.js"
import type { Inspected } from "../../Store/files/fileOperations.js"
import * as ProcessTable from "../../Store/kept/processTable.js"
import type { SystemCalls } from "../../Store/systemCalls.js"
import { type Faults, takenBytes } from "./faults.js"
import * as Processes from "./processes.js"
import { Errno, type Inode, type Volume } from "./volume.js"

interface OpenFile {
  readonly path: string
  readonly inode: Inode | undefined
}

export const make = (volume: Volume, faults: Faults): SystemCalls => {
  const openFiles = new Map<number, OpenFile>()
  let lastDescriptor = 2
  const opened = (file: OpenFile): number => {
    lastDescriptor++
    openFiles.set(lastDescriptor, file)
    return lastDescriptor
  }
  const closed = (descriptor: number): OpenFile => {
    const file = fileOf(descriptor)
    openFiles.delete(descriptor)
    volume.closeFile()
    return file
  }
  const fileOf = (descriptor: number): OpenFile => {
    const file = openFiles.get(descriptor)
    if (file === undefined) {
      throw new Errno("EBADF")
    }
    return file
  }
  return {
    create: (path, access) =>
      faults.performSync({ name: "open", path }, () =>
        opened({ path, inode: volume.openFile(path, "wx", access === "private" ? 0o600 : undefined) })
      ),
    openOwn: (path) =>
      faults.performSync({ name: "open", path }, () => opened({ path, inode: volume.openOwnFile(path) })),
    inspect: (path) => faults.performSync({ name: "look", path }, () => inspected(volume, path)),
    truncate: (descriptor, sizeBytes) => {
      const { inode, path } = fileOf(descriptor)
      faults.performSync({ name: "truncate", path }, () => volume.truncateFile(inode, sizeBytes))
    },
    freeBytes: () => volume.freeBytes(),
    freeBytesAsync: () => Effect.sync(() => volume.freeBytes()),
    write: (descriptor, bytes, position) => {
      const { inode, path } = fileOf(descriptor)
      return faults.performSync({ name: "write", path }, (fate) =>
        volume.writeAt(inode, takenBytes(bytes, fate), position)
      )
    },
    close: (descriptor) => {
      closed(descriptor)
    },
    closeToReopen: (descriptor) => {
      const file = closed(descriptor)
      return () =>
        faults.performSync({ name: "open", path: file.path }, () => {
          volume.reopenFile(file.path, file.inode)
          return opened(file)
        })
    },
    rename: (from, to) => faults.performSync({ name: "rename", path: from, to }, () => volume.renameTo(from, to)),
    link: (from, to) => faults.performSync({ name: "link", path: from, to }, () => volume.linkTo(from, to)),
    remove: (path) => faults.performSync({ name: "remove", path }, () => volume.removeName(path)),
    stat: (path) =>
      faults.performSync({ name: "look", path }, () => {
        if (volume.isDirectory(path)) {
          throw new Errno("EISDIR")
        }
        const found = volume.find(path)
        return found === undefined ? undefined : { sizeBytes: found.bytes.length, modifiedMillis: found.modifiedMillis }
      }),
    accessOf: (path) => {
      const found = volume.find(path)
      return found === undefined ? undefined : { mode: found.mode, uid: 0, gid: 0 }
    },
    setAccess: (descriptor, access) => {
      const { inode } = fileOf(descriptor)
      if (inode !== undefined) {
        inode.mode = modeFor(access, { uid: 0, gid: 0 })
      }
    },
    setModified: (descriptor, millis) => {
      const { inode } = fileOf(descriptor)
      if (inode !== undefined) {
        inode.modifiedMillis = millis
      }
    },
    releaseDescriptor: () => {},
    onDescriptorNeeded: () => () => {},
    writeAsync: (descriptor, bytes, position) =>
      Effect.suspend(() => {
        const { inode, path } = fileOf(descriptor)
        return withCode(
          faults.perform({ name: "write", path }, (fate) => volume.writeAt(inode, takenBytes(bytes, fate), position))
        )
      }),
    readAsync: (descriptor, into, position) =>
      Effect.suspend(() => {
        const { inode, path } = fileOf(descriptor)
        return withCode(faults.perform({ name: "read", path }, () => volume.readAt(inode, into, position)))
      }),
    sync: (descriptor) => {
      const { inode, path } = fileOf(descriptor)
      faults.performSync({ name: "sync", path }, () => volume.syncFile(path, inode))
    },
    syncDirectory: (path) =>
      faults.performSync({ name: "syncDirectory", path }, () => volume.syncFile(path, undefined)),
    syncAsync: (descriptor) =>
      Effect.suspend(() => {
        const { inode, path } = fileOf(descriptor)
        return withCode(faults.perform({ name: "sync", path }, () => volume.syncFile(path, inode)))
      }),
    syncDirectoryAsync: (path) =>
      withCode(faults.perform({ name: "syncDirectory", path }, () => volume.syncFile(path, undefined))),
    list: (directory) => withCode(faults.perform({ name: "look", path: directory }, () => volume.namesIn(directory))),
    isInMemory: () => false,
    fileSystemSyncs: Effect.succeed({
      fileSystemOf: () => 1,
      sync: () => withCode(faults.perform({ name: "syncFileSystem", path: "/" }, () => volume.syncContents()))
    }),
    processes: Effect.map(ProcessTable.fromLinux(Processes.linuxFiles(volume)), (table) => table ?? ProcessTable.none)
  }
}

const inspected = (volume: Volume, path: string): Inspected | undefined => {
  const sizeBytes = volume.find(path)?.bytes.length
  return sizeBytes === undefined ? undefined : { isOwn: true, sizeBytes, allocatedBytes: sizeBytes }
}

/** Fails with the error that has the code, as a call of the system does. */
const withCode = <A>(effect: Effect.Effect<A, SystemError>): Effect.Effect<A, unknown> =>
  Effect.mapError(effect, ({ cause }) => cause)
