/**
 * A disk that can fail and crash: a `FileSystem` in memory that tells what the operating system has taken from what a
 * power cut leaves.
 *
 * Bytes are safe when their file was synced, names when their directory was. A power cut keeps of the names changed since
 * then a prefix, in the order of the changes, and of the bytes a prefix, or their number with zeros at the end.
 *
 * It has what the store of this package uses of a file system: open, write, read back, truncate, sync, rename, link,
 * remove, look, permission bits.
 *
 * @since 0.2.0
 */
import { SystemError } from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { modeFor } from "../Store/fileAccess.js"
import type { SystemCalls } from "../Store/systemCalls.js"
import { type Bounds, Errno, type Inode, Volume } from "./volume.js"

/**
 * One operation, before it is carried out.
 *
 * @category models
 * @since 0.2.0
 */
export interface Operation {
  readonly name:
    | "open"
    | "write"
    | "read"
    | "truncate"
    | "sync"
    | "syncDirectory"
    | "rename"
    | "link"
    | "remove"
    | "look"
  readonly path: string
  /** The second name of `rename` and `link`. */
  readonly to?: string | undefined
}

/**
 * The fate of an operation: an errno such as `ENOSPC`, a wait before it, an operation that never ends, or, for a write, the number
 * of bytes that are taken.
 *
 * @category models
 * @since 0.2.0
 */
export interface Fate {
  readonly errno?: string | undefined
  readonly delayMillis?: number | undefined
  readonly never?: boolean | undefined
  /** At most so many bytes of a write are taken, and the operation succeeds. */
  readonly takesBytes?: number | undefined
}

interface Handle {
  /** None for a directory. */
  readonly inode: Inode | undefined
  isOpen: boolean
}

/**
 * Options of a disk.
 *
 * @category models
 * @since 0.2.0
 */
export interface Options extends Bounds {
  readonly fate?: ((operation: Operation) => Fate | undefined) | undefined
  /** Called after each operation that was carried out. */
  readonly onDone?: ((operation: Operation) => void) | undefined
}

/**
 * A disk. It outlives the programs that use it.
 *
 * @category models
 * @since 0.2.0
 */
export class Disk {
  options: Options
  private readonly volume = new Volume(() => this.options)

  constructor(options: Options = {}) {
    this.options = options
  }

  /** How many descriptors are open. */
  descriptors(): number {
    return this.volume.descriptors()
  }

  /** What each name holds, as programs see it. */
  files(): ReadonlyMap<string, Uint8Array> {
    return this.volume.files()
  }

  /** The permission bits of each file. */
  modes(): ReadonlyMap<string, number> {
    return this.volume.modes()
  }

  /** Puts a file there that survives everything. `mode` is its permission bits. Default 0o644. */
  put(name: string, content: Uint8Array, mode?: number): void {
    this.volume.put(name, content, mode)
  }

  /** Puts a directory there that survives everything. Every other path that is no file is a directory, too. */
  putDirectory(name: string): void {
    this.volume.putDirectory(name)
  }

  /** The end of all programs: what the operating system has taken stays. */
  kill(): void {
    this.volume.kill()
  }

  /** A power cut. `random` draws from [0, 1). */
  powerCut(random: () => number): void {
    this.volume.powerCut(random)
  }

  private perform<A>(operation: Operation, act: (fate?: Fate) => A): Effect.Effect<A, SystemError> {
    return Effect.suspend(() => {
      const fate = this.options.fate?.(operation)
      const doing = Effect.suspend(() => {
        if (fate?.never === true) {
          return Effect.async<never>(() => {})
        }
        if (fate?.errno !== undefined) {
          return Effect.fail(systemError(fate.errno, operation))
        }
        try {
          const done = act(fate)
          this.options.onDone?.(operation)
          return Effect.succeed(done)
        } catch (cause) {
          return cause instanceof Errno ? Effect.fail(systemError(cause.code, operation)) : Effect.die(cause)
        }
      })
      return fate?.delayMillis === undefined ? doing : Effect.zipRight(Effect.sleep(fate.delayMillis), doing)
    })
  }

  private performNow<A>(operation: Operation, act: (fate?: Fate) => A): A {
    const fate = this.options.fate?.(operation)
    if (fate?.errno !== undefined || fate?.never === true) {
      throw new Errno(fate.errno ?? "EIO")
    }
    const done = act(fate)
    this.options.onDone?.(operation)
    return done
  }

  private fileOf(path: string, handle: Handle, append: boolean): FileSystem.File {
    const { inode } = handle
    let position = append ? (inode?.bytes.length ?? 0) : 0
    const checked =
      <A>(act: () => A) =>
      () => {
        if (!handle.isOpen) {
          throw new Errno("EBADF")
        }
        return act()
      }
    const writeSome = (chunk: Uint8Array) =>
      Effect.suspend(() => {
        if (!handle.isOpen) {
          return Effect.fail(systemError("EBADF", { name: "write", path }))
        }
        return Effect.map(
          this.perform({ name: "write", path }, (fate) => this.volume.writeAt(inode, takenOf(chunk, fate), position)),
          (written) => {
            position += written
            return written
          }
        )
      })
    // As in `@effect/platform-node`: a write that takes no bytes is a failure.
    const writeAll = (chunk: Uint8Array): Effect.Effect<void, SystemError> =>
      Effect.flatMap(writeSome(chunk), (written) =>
        written === chunk.length
          ? Effect.void
          : written === 0
            ? new SystemError({ reason: "WriteZero", module: "FileSystem", method: "writeAll", pathOrDescriptor: path })
            : writeAll(chunk.subarray(written))
      )
    const sync = this.perform(
      { name: inode === undefined ? "syncDirectory" : "sync", path },
      checked(() => {
        if (inode === undefined) {
          this.volume.syncNames(path)
        } else {
          inode.synced = inode.bytes.slice()
        }
      })
    )
    return {
      [FileSystem.FileTypeId]: FileSystem.FileTypeId,
      fd: FileSystem.FileDescriptor(0),
      stat: Effect.sync(() => infoOf(inode)),
      seek: (offset, from) =>
        Effect.sync(() => {
          position = from === "start" ? Number(offset) : position + Number(offset)
        }),
      sync,
      read: (into) =>
        Effect.map(
          this.perform(
            { name: "read", path },
            checked(() => this.volume.readAt(inode, into, position))
          ),
          (count) => {
            position += count
            return FileSystem.Size(count)
          }
        ),
      readAlloc: () => Effect.dieMessage("not there"),
      truncate: (length) =>
        this.perform(
          { name: "truncate", path },
          checked(() => {
            if (inode !== undefined) {
              inode.bytes = inode.bytes.slice(0, Number(length ?? 0))
            }
          })
        ),
      write: (chunk) => Effect.map(writeSome(chunk), FileSystem.Size),
      writeAll
    }
  }

  /** The disk as calls that come back at once: what delays they are to have, they do not. @internal */
  calls(): SystemCalls {
    const handles = new Map<number, { readonly path: string; readonly inode: Inode | undefined }>()
    let last = 2
    const handleOf = (descriptor: number) => {
      const handle = handles.get(descriptor)
      if (handle === undefined) {
        throw new Errno("EBADF")
      }
      return handle
    }
    return {
      create: (path, access) =>
        this.performNow({ name: "open", path }, () => {
          last++
          handles.set(last, {
            path,
            inode: this.volume.openFile(path, "wx", access === "private" ? 0o600 : undefined)
          })
          return last
        }),
      write: (descriptor, bytes, position) => {
        const { inode, path } = handleOf(descriptor)
        return this.performNow({ name: "write", path }, (fate) =>
          this.volume.writeAt(inode, takenOf(bytes, fate), position)
        )
      },
      truncate: (descriptor) => {
        const { inode, path } = handleOf(descriptor)
        this.performNow({ name: "truncate", path }, () => {
          if (inode !== undefined) {
            inode.bytes = new Uint8Array(0)
          }
        })
      },
      close: (descriptor) => {
        handleOf(descriptor)
        handles.delete(descriptor)
        this.volume.closeFile()
      },
      closeToReopen: (descriptor) => {
        const { inode, path } = handleOf(descriptor)
        handles.delete(descriptor)
        this.volume.closeFile()
        return () =>
          this.performNow({ name: "open", path }, () => {
            this.volume.reopenFile(path, inode)
            last++
            handles.set(last, { path, inode })
            return last
          })
      },
      rename: (from, to) => this.performNow({ name: "rename", path: from, to }, () => this.volume.renameTo(from, to)),
      link: (from, to) => this.performNow({ name: "link", path: from, to }, () => this.volume.linkTo(from, to)),
      remove: (path) => this.performNow({ name: "remove", path }, () => this.volume.removeName(path)),
      exists: (path) =>
        this.performNow({ name: "look", path }, () => {
          if (this.volume.isDirectory(path)) {
            throw new Errno("EISDIR")
          }
          return this.volume.has(path)
        }),
      accessOf: (path) => {
        const found = this.volume.find(path)
        return found === undefined ? undefined : { mode: found.mode, uid: 0, gid: 0 }
      },
      setAccess: (descriptor, access) => {
        const { inode } = handleOf(descriptor)
        if (inode !== undefined) {
          inode.mode = modeFor(access, { uid: 0, gid: 0 })
        }
      },
      releaseDescriptor: () => {},
      onDescriptorNeeded: () => () => {},
      writeAsync: (descriptor, bytes, position) =>
        Effect.suspend(() => {
          const { inode, path } = handleOf(descriptor)
          return coded(
            this.perform({ name: "write", path }, (fate) => this.volume.writeAt(inode, takenOf(bytes, fate), position))
          )
        }),
      readAsync: (descriptor, into, position) =>
        Effect.suspend(() => {
          const { inode, path } = handleOf(descriptor)
          return coded(this.perform({ name: "read", path }, () => this.volume.readAt(inode, into, position)))
        }),
      sync: (descriptor) =>
        Effect.suspend(() => {
          const { inode, path } = handleOf(descriptor)
          return coded(
            this.perform({ name: "sync", path }, () => {
              if (inode !== undefined) {
                inode.synced = inode.bytes.slice()
              }
            })
          )
        }),
      syncDirectory: (path) => coded(this.perform({ name: "syncDirectory", path }, () => this.volume.syncNames(path)))
    }
  }

  /** The disk as a service for one life of a program. */
  readonly layer: Layer.Layer<FileSystem.FileSystem | Path.Path> = Layer.suspend(() =>
    Layer.merge(
      FileSystem.layerNoop({
        open: (path, options) =>
          Effect.acquireRelease(
            this.perform(
              { name: "open", path },
              (): Handle => ({ inode: this.volume.openFile(path, options?.flag ?? "r", options?.mode), isOpen: true })
            ),
            (handle) =>
              Effect.sync(() => {
                handle.isOpen = false
                this.volume.closeFile()
              })
          ).pipe(Effect.map((handle) => this.fileOf(path, handle, (options?.flag ?? "").startsWith("a")))),
        rename: (from, to) => this.perform({ name: "rename", path: from, to }, () => this.volume.renameTo(from, to)),
        link: (from, to) => this.perform({ name: "link", path: from, to }, () => this.volume.linkTo(from, to)),
        remove: (path) => this.perform({ name: "remove", path }, () => this.volume.removeName(path)),
        exists: (path) => this.perform({ name: "look", path }, () => this.volume.has(path)),
        readLink: (path) => Effect.fail(systemError("EINVAL", { name: "look", path })),
        readFile: (path) => this.perform({ name: "look", path }, () => this.volume.inodeOf(path).bytes.slice()),
        readDirectory: (directory) =>
          this.perform({ name: "look", path: directory }, () =>
            this.volume
              .all()
              .filter((name) => name.startsWith(`${directory}/`))
              .map((name) => name.slice(directory.length + 1))
          ),
        makeDirectory: () => Effect.void,
        access: () => Effect.void,
        chown: () => Effect.void,
        chmod: (path, mode) =>
          Effect.sync(() => {
            this.volume.inodeOf(path).mode = mode
          }),
        stat: (path) => Effect.sync(() => infoOf(this.volume.find(path)))
      }),
      Path.layer
    )
  )
}

const takenOf = (chunk: Uint8Array, fate: Fate | undefined): Uint8Array =>
  fate?.takesBytes === undefined ? chunk : chunk.subarray(0, fate.takesBytes)

/** As a call of the system fails: with the error that has the code. */
const coded = <A>(effect: Effect.Effect<A, SystemError>): Effect.Effect<A, unknown> =>
  Effect.mapError(effect, ({ cause }) => cause)

const reasons: Readonly<Record<string, SystemError["reason"]>> = {
  ENOENT: "NotFound",
  EEXIST: "AlreadyExists",
  EACCES: "PermissionDenied",
  EROFS: "PermissionDenied"
}

const systemError = (code: string, operation: Operation): SystemError =>
  new SystemError({
    reason: reasons[code] ?? "Unknown",
    module: "FileSystem",
    method: operation.name,
    pathOrDescriptor: operation.path,
    cause: Object.assign(new Error(code), { code })
  })

const infoOf = (inode: Inode | undefined): FileSystem.File.Info => ({
  type: inode === undefined ? "Directory" : "File",
  mtime: Option.none(),
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
