/**
 * The store on `node:fs`. It makes blocking calls while they are fast, and otherwise uses the thread pool of Node. A blocking call on
 * an unreachable network file system may block the process. A program on such a file system should use `FileSystemStore`.
 *
 * @since 0.2.0
 */
import * as Fs from "node:fs"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { codeOf, isUnsupported } from "../DownloadError/diskErrors.js"
import * as DirectStore from "../Store/Direct.js"
import { type Access, modeFor } from "../Store/files/fileAccess.js"
import type { SystemCalls } from "../Store/systemCalls.js"
import type { FileInfo, Store } from "../Store.js"
import * as Descriptors from "./descriptors.js"
import * as FileSystemSync from "./fileSystemSync.js"
import * as ProcessTable from "./processTable.js"

const done =
  <A>(resume: (effect: Effect.Effect<A, unknown>) => void) =>
  (error: NodeJS.ErrnoException | null, value: A): void =>
    resume(error === null ? Effect.succeed(value) : Effect.fail(error))

const calls: SystemCalls = {
  // `wx+` is exclusive, so it follows no link (POSIX, open).
  create: (path, access) => Fs.openSync(path, "wx+", access === "private" ? 0o600 : 0o666),
  openOwn: (path) => {
    const descriptor = Fs.openSync(path, Fs.constants.O_RDWR | noFollow)
    if (!isOwn(Fs.fstatSync(descriptor))) {
      Fs.closeSync(descriptor)
      throw Object.assign(new Error("it is a file of another user, or has several names"), { code: "ESTALE" })
    }
    return descriptor
  },
  inspect: (path) => {
    const found = Fs.lstatSync(path, { throwIfNoEntry: false })
    return found === undefined
      ? undefined
      : {
          isOwn: isOwn(found),
          sizeBytes: found.size,
          // Windows has no blocks.
          allocatedBytes: Math.min(found.size, (found.blocks ?? Number.POSITIVE_INFINITY) * 512)
        }
  },
  truncate: (descriptor, sizeBytes) => Fs.ftruncateSync(descriptor, sizeBytes),
  freeBytes: (directory) => freeIn(Fs.statfsSync(directory)),
  freeBytesAsync: (directory) =>
    Effect.map(
      Effect.async<Fs.StatsFs, unknown>((resume) => Fs.statfs(directory, done<Fs.StatsFs>(resume))),
      freeIn
    ),
  isInMemory: (directory) => process.platform === "linux" && memoryFileSystems.has(Fs.statfsSync(directory).type),
  write: (descriptor, bytes, positionBytes) => Fs.writeSync(descriptor, bytes, 0, bytes.length, positionBytes),
  close: (descriptor) => Fs.closeSync(descriptor),
  closeToReopen: (descriptor, path) => {
    const { dev, ino } = Fs.fstatSync(descriptor)
    Fs.closeSync(descriptor)
    return () => {
      const again = Fs.openSync(path, Fs.constants.O_RDWR | noFollow)
      const found = Fs.fstatSync(again)
      if (found.dev !== dev || found.ino !== ino) {
        Fs.closeSync(again)
        throw Object.assign(new Error("another file has its name"), { code: "ESTALE" })
      }
      return again
    }
  },
  rename: (from, to) => Fs.renameSync(from, to),
  link: (from, to) => Fs.linkSync(from, to),
  remove: (path) => Fs.unlinkSync(path),
  stat: (path) => {
    const found = Fs.lstatSync(path, { throwIfNoEntry: false })
    if (found?.isDirectory()) {
      throw Object.assign(new Error("it is a directory"), { code: "EISDIR" })
    }
    return found === undefined ? undefined : fileInfoOf(found.isSymbolicLink() ? targetOf(path) : found)
  },
  accessOf: (path) => {
    const found = Fs.lstatSync(path, { throwIfNoEntry: false })
    if (found === undefined || found.isSymbolicLink() || found.isDirectory()) {
      return undefined
    }
    return found.isFile() ? { mode: found.mode, uid: found.uid, gid: found.gid } : "special"
  },
  setAccess: (descriptor, access) => {
    const own = Fs.fstatSync(descriptor)
    Fs.fchmodSync(descriptor, modeFor(access, owned(descriptor, access, own)))
  },
  setModified: (descriptor, millis) => Fs.futimesSync(descriptor, millis / 1000, millis / 1000),
  releaseDescriptor: Descriptors.reclaim,
  onDescriptorNeeded: Descriptors.lend,
  writeAsync: (descriptor, bytes, positionBytes) =>
    Effect.async((resume) => Fs.write(descriptor, bytes, 0, bytes.length, positionBytes, done<number>(resume))),
  readAsync: (descriptor, into, positionBytes) =>
    Effect.async((resume) => Fs.read(descriptor, into, 0, into.length, positionBytes, done<number>(resume))),
  sync: (descriptor) => Fs.fsyncSync(descriptor),
  syncDirectory: (path) => {
    let descriptor: number | undefined
    try {
      descriptor = Fs.openSync(path, "r")
      Fs.fsyncSync(descriptor)
    } catch (error) {
      if (!isUnsyncable(error)) {
        throw error
      }
    } finally {
      if (descriptor !== undefined) {
        Fs.closeSync(descriptor)
      }
    }
  },
  syncAsync: (descriptor) =>
    Effect.async((resume) => Fs.fsync(descriptor, (error) => done<void>(resume)(error, undefined))),
  syncDirectoryAsync: (path) =>
    Effect.async((resume) => {
      const end = (error: unknown): void =>
        resume(error === null || isUnsyncable(error) ? Effect.void : Effect.fail(error))
      try {
        // Blocks no longer than the creation of the file did. Only the sync takes a thread.
        const descriptor = Fs.openSync(path, "r")
        Fs.fsync(descriptor, (error) => {
          Fs.closeSync(descriptor)
          end(error)
        })
      } catch (error) {
        end(error)
      }
    }),
  list: (directory) => Effect.async((resume) => Fs.readdir(directory, done<ReadonlyArray<string>>(resume))),
  processes: ProcessTable.own,
  fileSystemSyncs: FileSystemSync.make
}

// The magic numbers of tmpfs and ramfs (statfs(2)). The kernel does nothing in a sync of their files and directories.
const memoryFileSystems: ReadonlySet<number> = new Set([0x01021994, 0x858458f6])

/** True if the directory cannot be synced, such as one that this process may write and not read. */
const isUnsyncable = (error: unknown): boolean => isUnsupported(codeOf(error)) || codeOf(error) === "EACCES"

const fileInfoOf = (found: Fs.Stats | undefined): FileInfo => ({
  sizeBytes: found?.isFile() === true ? found.size : undefined,
  modifiedMillis: found?.mtimeMs
})

/** The file to which a link leads; undefined if it leads nowhere. */
const targetOf = (path: string): Fs.Stats | undefined => {
  try {
    return Fs.statSync(path, { throwIfNoEntry: false })
  } catch {
    // The links form a circle, or lead to a directory that this process may not search.
    return undefined
  }
}

// Some network file systems report no sizes. Only the superuser may take the blocks that are set aside.
const freeIn = ({ bavail, bfree, blocks, bsize }: Fs.StatsFs): number | undefined =>
  blocks === 0 ? undefined : (process.geteuid?.() === 0 ? bfree : bavail) * bsize

/** True for a regular file of this user with one name. Another name could be in a directory of another user. */
const isOwn = (found: Fs.Stats): boolean =>
  found.isFile() && found.nlink <= 1 && (process.geteuid === undefined || found.uid === process.geteuid())

// Windows has no such flag, and on Windows ordinary users may not create symbolic links.
const noFollow: number = Fs.constants.O_NOFOLLOW ?? 0

/** Sets the owner and group of the replaced file, if this process may, and returns the owner and group that result. */
const owned = (descriptor: number, access: Access, own: Omit<Access, "mode">): Omit<Access, "mode"> => {
  if (own.uid === access.uid && own.gid === access.gid) {
    return own
  }
  for (const owner of [access, { uid: own.uid, gid: access.gid }]) {
    try {
      Fs.fchownSync(descriptor, owner.uid, owner.gid)
      return owner
    } catch {
      // This process may be allowed to set only the group, if it is one of its own groups.
    }
  }
  return own
}

/**
 * A store on `node:fs`.
 *
 * @category layers
 * @since 0.2.0
 */
export const layer: Layer.Layer<Store> = Layer.suspend(() =>
  DirectStore.layer(calls).pipe(Layer.provide(Layer.merge(NodeFileSystem.layer, NodePath.layer)))
)
