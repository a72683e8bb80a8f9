/**
 * A disk that can fail and crash: a `FileSystem` in memory that tells what the operating system has taken from what a
 * power cut leaves.
 *
 * Bytes are safe when their file was synced, names when their directory was. A power cut keeps of the names changed since
 * then a prefix, in the order of the changes, and of the bytes a prefix, or their number with zeros at the end.
 *
 * It has what the store of this package uses of a file system: open, write, truncate, sync, rename, link, remove, look.
 *
 * @since 0.2.0
 */
import { SystemError } from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type { SystemCalls } from "../internal/systemCalls.js"

/**
 * One operation, before it is carried out.
 *
 * @category models
 * @since 0.2.0
 */
export interface Operation {
  readonly name: "open" | "write" | "truncate" | "sync" | "syncDirectory" | "rename" | "link" | "remove" | "look"
  readonly path: string
  /** The second name of `rename` and `link`. */
  readonly to?: string | undefined
}

/**
 * What becomes of an operation: an errno such as `ENOSPC`, a wait before it, or that it never comes to an end.
 *
 * @category models
 * @since 0.2.0
 */
export interface Fate {
  readonly errno?: string | undefined
  readonly delayMillis?: number | undefined
  readonly never?: boolean | undefined
}

interface Inode {
  bytes: Uint8Array
  synced: Uint8Array
}

interface Handle {
  /** None for a directory. */
  readonly inode: Inode | undefined
  isOpen: boolean
}

// What happens to names in one step: a rename is two of these.
type Change = ReadonlyArray<{ readonly name: string; readonly inode: Inode | undefined }>

/**
 * Options of a disk.
 *
 * @category models
 * @since 0.2.0
 */
export interface Options {
  readonly fate?: ((operation: Operation) => Fate | undefined) | undefined
  /** Called after each operation that was carried out. */
  readonly onDone?: ((operation: Operation) => void) | undefined
  /** Bytes in all. Default: no limit. */
  readonly capacityBytes?: number | undefined
  /** Descriptors at a time. Default: no limit. */
  readonly descriptors?: number | undefined
}

/**
 * A disk. It outlives the programs that use it.
 *
 * @category models
 * @since 0.2.0
 */
export class Disk {
  private names = new Map<string, Inode>()
  private durableNames = new Map<string, Inode>()
  private changes: Array<Change> = []
  private descriptorsOpen = 0
  options: Options

  constructor(options: Options = {}) {
    this.options = options
  }

  /** How many descriptors are open. */
  descriptors(): number {
    return this.descriptorsOpen
  }

  /** What each name holds, as programs see it. */
  files(): ReadonlyMap<string, Uint8Array> {
    return new Map(Array.from(this.names, ([name, { bytes }]) => [name, bytes.slice()]))
  }

  /** Puts a file there that survives everything. */
  put(name: string, content: Uint8Array): void {
    const inode = { bytes: content.slice(), synced: content.slice() }
    this.names.set(name, inode)
    this.durableNames.set(name, inode)
  }

  /** The end of all programs: what the operating system has taken stays. */
  kill(): void {
    this.descriptorsOpen = 0
  }

  /** A power cut. `random` draws from [0, 1). */
  powerCut(random: () => number): void {
    this.kill()
    const kept = Math.floor(random() * (this.changes.length + 1))
    const names = new Map(this.durableNames)
    for (const { inode, name } of this.changes.slice(0, kept).flat()) {
      if (inode === undefined) {
        names.delete(name)
      } else {
        names.set(name, inode)
      }
    }
    const left = new Map<Inode, Inode>()
    for (const inode of names.values()) {
      if (!left.has(inode)) {
        const content = survivor(inode, random)
        left.set(inode, { bytes: content, synced: content.slice() })
      }
    }
    this.names = new Map(Array.from(names, ([name, inode]) => [name, left.get(inode) ?? inode]))
    this.durableNames = new Map(this.names)
    this.changes = []
  }

  private change(...change: Change): void {
    for (const { inode, name } of change) {
      if (inode === undefined) {
        this.names.delete(name)
      } else {
        this.names.set(name, inode)
      }
    }
    this.changes.push(change)
  }

  private usedBytes(): number {
    return Array.from(new Set(this.names.values())).reduce((sum, { bytes }) => sum + bytes.length, 0)
  }

  private perform<A>(operation: Operation, act: () => A): Effect.Effect<A, SystemError> {
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
          const done = act()
          this.options.onDone?.(operation)
          return Effect.succeed(done)
        } catch (cause) {
          return cause instanceof Errno ? Effect.fail(systemError(cause.code, operation)) : Effect.die(cause)
        }
      })
      return fate?.delayMillis === undefined ? doing : Effect.zipRight(Effect.sleep(fate.delayMillis), doing)
    })
  }

  private performNow<A>(operation: Operation, act: () => A): A {
    const fate = this.options.fate?.(operation)
    if (fate?.errno !== undefined || fate?.never === true) {
      throw new Errno(fate.errno ?? "EIO")
    }
    const done = act()
    this.options.onDone?.(operation)
    return done
  }

  private inodeOf(path: string): Inode {
    const inode = this.names.get(path)
    if (inode === undefined) {
      throw new Errno("ENOENT")
    }
    return inode
  }

  private openFile(path: string, flag: string): Inode | undefined {
    if (this.descriptorsOpen >= (this.options.descriptors ?? Number.POSITIVE_INFINITY)) {
      throw new Errno("EMFILE")
    }
    const found = this.names.get(path)
    if (found === undefined && flag.startsWith("r")) {
      // Every path that is no file is a directory.
      this.descriptorsOpen++
      return undefined
    }
    if (found !== undefined && flag.includes("x")) {
      throw new Errno("EEXIST")
    }
    const inode = found ?? { bytes: new Uint8Array(0), synced: new Uint8Array(0) }
    if (found === undefined) {
      this.change({ name: path, inode })
    } else if (flag.startsWith("w")) {
      inode.bytes = new Uint8Array(0)
    }
    this.descriptorsOpen++
    return inode
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
    const writeAll = (chunk: Uint8Array) =>
      this.perform(
        { name: "write", path },
        checked(() => {
          position += this.writeAt(inode, chunk, position)
        })
      )
    const sync = this.perform(
      { name: inode === undefined ? "syncDirectory" : "sync", path },
      checked(() => {
        if (inode === undefined) {
          this.syncNames(path)
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
      read: () => Effect.dieMessage("not there"),
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
      write: (chunk) => Effect.as(writeAll(chunk), FileSystem.Size(chunk.length)),
      writeAll
    }
  }

  // What fits is written, and the rest fails.
  private writeAt(inode: Inode | undefined, chunk: Uint8Array, position: number): number {
    if (inode === undefined) {
      throw new Errno("EISDIR")
    }
    const room = (this.options.capacityBytes ?? Number.POSITIVE_INFINITY) - this.usedBytes()
    const end = Math.min(position + chunk.length, inode.bytes.length + Math.max(0, room))
    const bytes = new Uint8Array(Math.max(end, inode.bytes.length))
    bytes.set(inode.bytes)
    bytes.set(chunk.subarray(0, end - position), position)
    inode.bytes = bytes
    if (end < position + chunk.length) {
      throw new Errno("ENOSPC")
    }
    return chunk.length
  }

  private syncNames(directory: string): void {
    const isIn = (change: Change): boolean =>
      change.some(({ name }) => name.slice(0, Math.max(0, name.lastIndexOf("/"))) === directory.replace(/\/$/, ""))
    for (const { inode, name } of this.changes.filter(isIn).flat()) {
      if (inode === undefined) {
        this.durableNames.delete(name)
      } else {
        this.durableNames.set(name, inode)
      }
    }
    this.changes = this.changes.filter((change) => !isIn(change))
  }

  private renameTo(from: string, to: string): void {
    const inode = this.inodeOf(from)
    this.change({ name: to, inode }, { name: from, inode: undefined })
  }

  private linkTo(from: string, to: string): void {
    if (this.names.has(to)) {
      throw new Errno("EEXIST")
    }
    this.change({ name: to, inode: this.inodeOf(from) })
  }

  private removeName(path: string): void {
    this.inodeOf(path)
    this.change({ name: path, inode: undefined })
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
      create: (path) =>
        this.performNow({ name: "open", path }, () => {
          last++
          handles.set(last, { path, inode: this.openFile(path, "wx") })
          return last
        }),
      write: (descriptor, bytes, position) => {
        const { inode, path } = handleOf(descriptor)
        return this.performNow({ name: "write", path }, () => this.writeAt(inode, bytes, position))
      },
      empty: (descriptor) => {
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
        this.descriptorsOpen--
      },
      rename: (from, to) => this.performNow({ name: "rename", path: from, to }, () => this.renameTo(from, to)),
      link: (from, to) => this.performNow({ name: "link", path: from, to }, () => this.linkTo(from, to)),
      remove: (path) => this.performNow({ name: "remove", path }, () => this.removeName(path)),
      exists: (path) => this.performNow({ name: "look", path }, () => this.names.has(path)),
      writeAndWait: (descriptor, bytes, position) =>
        Effect.suspend(() => {
          const { inode, path } = handleOf(descriptor)
          return coded(this.perform({ name: "write", path }, () => this.writeAt(inode, bytes, position)))
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
      syncDirectory: (path) => coded(this.perform({ name: "syncDirectory", path }, () => this.syncNames(path)))
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
              (): Handle => ({ inode: this.openFile(path, options?.flag ?? "r"), isOpen: true })
            ),
            (handle) =>
              Effect.sync(() => {
                handle.isOpen = false
                this.descriptorsOpen--
              })
          ).pipe(Effect.map((handle) => this.fileOf(path, handle, (options?.flag ?? "").startsWith("a")))),
        rename: (from, to) => this.perform({ name: "rename", path: from, to }, () => this.renameTo(from, to)),
        link: (from, to) => this.perform({ name: "link", path: from, to }, () => this.linkTo(from, to)),
        remove: (path) => this.perform({ name: "remove", path }, () => this.removeName(path)),
        exists: (path) => this.perform({ name: "look", path }, () => this.names.has(path)),
        readLink: (path) => Effect.fail(systemError("EINVAL", { name: "look", path })),
        readFile: (path) => this.perform({ name: "look", path }, () => this.inodeOf(path).bytes.slice()),
        readDirectory: (directory) =>
          this.perform({ name: "look", path: directory }, () =>
            Array.from(this.names.keys())
              .filter((name) => name.startsWith(`${directory}/`))
              .map((name) => name.slice(directory.length + 1))
          ),
        makeDirectory: () => Effect.void,
        access: () => Effect.void,
        stat: (path) => Effect.sync(() => infoOf(this.names.get(path)))
      }),
      Path.layer
    )
  )
}

class Errno extends Error {
  constructor(readonly code: string) {
    super(code)
  }
}

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
  mode: 0,
  nlink: Option.none(),
  uid: Option.none(),
  gid: Option.none(),
  rdev: Option.none(),
  size: FileSystem.Size(inode?.bytes.length ?? 0),
  blksize: Option.none(),
  blocks: Option.none()
})

/** What a power cut leaves of a file: what was synced, and of what came after it a beginning, or zeros in its place. */
const survivor = (inode: Inode, random: () => number): Uint8Array => {
  const { bytes, synced } = inode
  const isSame = bytes.length === synced.length && bytes.every((byte, index) => byte === synced[index])
  if (isSame) {
    return bytes.slice()
  }
  const common = bytes.findIndex((byte, index) => byte !== synced[index])
  const safe = common < 0 ? Math.min(bytes.length, synced.length) : common
  const length = safe + Math.floor(random() * (bytes.length - safe + 1))
  const left = bytes.slice(0, length)
  if (random() < 0.5) {
    left.fill(0, safe + Math.floor(random() * (length - safe + 1)))
  }
  return left
}
