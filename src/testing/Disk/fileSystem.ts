/**
 * A disk as a `FileSystem`.
 *
 * @internal
 */
import { SystemError } from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { type Faults, systemError, takenBytes } from "./faults.js"
import * as Processes from "./processes.js"
import { Errno, type Inode, type Volume } from "./volume.js"

interface OpenFile {
  /** Undefined for a directory. */
  readonly inode: Inode | undefined
  isOpen: boolean
}

export const layer = (volume: Volume, faults: Faults): Layer.Layer<FileSystem.FileSystem> => {
  const processes = Processes.linuxFiles(volume)
  return FileSystem.layerNoop({
    open: (path, { flag = "r", mode } = {}) =>
      Effect.acquireRelease(
        faults.perform(
          { name: "open", path },
          (): OpenFile => ({ inode: volume.openFile(path, flag, mode), isOpen: true })
        ),
        (opened) =>
          Effect.sync(() => {
            opened.isOpen = false
            volume.closeFile()
          })
      ).pipe(Effect.map((opened) => fileOf(volume, faults, path, opened, flag.startsWith("a")))),
    rename: (from, to) => faults.perform({ name: "rename", path: from, to }, () => volume.renameTo(from, to)),
    link: (from, to) => faults.perform({ name: "link", path: from, to }, () => volume.linkTo(from, to)),
    remove: (path) => faults.perform({ name: "remove", path }, () => volume.removeName(path)),
    exists: (path) => faults.perform({ name: "look", path }, () => volume.has(path)),
    readLink: (path) =>
      Processes.isProcessFile(path)
        ? Effect.mapError(processes.readLink(path), () => systemError("EINVAL", { name: "look", path }))
        : Effect.flatMap(
            faults.perform({ name: "look", path }, () => volume.has(path)),
            (isThere) => Effect.fail(systemError(isThere ? "EINVAL" : "ENOENT", { name: "look", path }))
          ),
    readFile: (path) =>
      Processes.isProcessFile(path)
        ? Effect.mapBoth(processes.read(path), {
            onFailure: () => systemError("ENOENT", { name: "look", path }),
            onSuccess: (text) => new TextEncoder().encode(text)
          })
        : faults.perform({ name: "look", path }, () => volume.inodeOf(path).bytes.slice()),
    stream: (path) =>
      Stream.fromEffect(faults.perform({ name: "read", path }, () => volume.inodeOf(path).bytes.slice())),
    readDirectory: (directory) =>
      faults.perform({ name: "look", path: directory }, () => Array.from(volume.namesIn(directory))),
    makeDirectory: () => Effect.void,
    access: () => Effect.void,
    chown: () => Effect.void,
    chmod: (path, mode) =>
      Effect.sync(() => {
        volume.inodeOf(path).mode = mode
      }),
    utimes: (path, _, modified) =>
      Effect.sync(() => {
        volume.inodeOf(path).modifiedMillis = Number(modified)
      }),
    stat: (path) => Effect.sync(() => infoOf(volume.find(path)))
  })
}

const fileOf = (
  volume: Volume,
  faults: Faults,
  path: string,
  opened: OpenFile,
  isAppended: boolean
): FileSystem.File => {
  const { inode } = opened
  let position = isAppended ? (inode?.bytes.length ?? 0) : 0
  const unlessClosed = <A>(act: () => A): A => {
    if (!opened.isOpen) {
      throw new Errno("EBADF")
    }
    return act()
  }
  const advance = (count: number): number => {
    position += count
    return count
  }
  const writeSome = (chunk: Uint8Array) =>
    Effect.suspend(() =>
      opened.isOpen
        ? Effect.map(
            faults.perform({ name: "write", path }, (fate) => volume.writeAt(inode, takenBytes(chunk, fate), position)),
            advance
          )
        : Effect.fail(systemError("EBADF", { name: "write", path }))
    )
  // As in `@effect/platform-node`: a write that takes no bytes is a failure.
  const writeAll = (chunk: Uint8Array): Effect.Effect<void, SystemError> =>
    Effect.flatMap(writeSome(chunk), (written) =>
      written === chunk.length
        ? Effect.void
        : written === 0
          ? new SystemError({ reason: "WriteZero", module: "FileSystem", method: "writeAll", pathOrDescriptor: path })
          : writeAll(chunk.subarray(written))
    )
  return {
    [FileSystem.FileTypeId]: FileSystem.FileTypeId,
    fd: FileSystem.FileDescriptor(0),
    stat: Effect.sync(() => infoOf(inode)),
    seek: (offset, from) =>
      Effect.sync(() => {
        position = from === "start" ? Number(offset) : position + Number(offset)
      }),
    sync: faults.perform({ name: inode === undefined ? "syncDirectory" : "sync", path }, () =>
      unlessClosed(() => volume.syncFile(path, inode))
    ),
    read: (into) =>
      Effect.map(
        faults.perform({ name: "read", path }, () => unlessClosed(() => volume.readAt(inode, into, position))),
        (count) => FileSystem.Size(advance(count))
      ),
    readAlloc: () => Effect.dieMessage("the disk has no readAlloc"),
    truncate: (length) =>
      faults.perform({ name: "truncate", path }, () =>
        unlessClosed(() => volume.truncateFile(inode, Number(length ?? 0)))
      ),
    write: (chunk) => Effect.map(writeSome(chunk), FileSystem.Size),
    writeAll
  }
}

const infoOf = (inode: Inode | undefined): FileSystem.File.Info => ({
  type: inode === undefined ? "Directory" : "File",
  mtime: Option.map(Option.fromNullable(inode?.modifiedMillis), (millis) => new Date(millis)),
  atime: Option.none(),
  birthtime: Option.none(),
  dev: 0,
  ino: Option.none(),
  mode: inode?.mode ?? 0o755,
  nlink: Option.none(),
  uid: Option.none(),
  gid: Option.none(),
  rdev: Option.none(),
  size: FileSystem.Size(inode?.bytes.length ?? 0),
  blksize: Option.none(),
  blocks: Option.none()
})
