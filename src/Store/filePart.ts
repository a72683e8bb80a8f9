/**
 * A part that is a file beside its destination.
 *
 * A small body is kept in memory until it is published, and then created, written, closed and renamed in one go. The file of a
 * larger body is created when the body no longer fits. It is opened exclusively, so that neither a link nor another process's file
 * is written through.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { codeOf, fromCause, specialFile } from "../DownloadError/diskErrors.js"
import { Disk } from "../DownloadError.js"
import { andThen, errorOf, matchExit } from "../internal/andThen.js"
import { completeWhenDescriptorFree, isTooManyOpenCode, retryUntilDescriptorFree } from "../internal/descriptors.js"
import { beside } from "../internal/text/fileNames.js"
import * as Printable from "../internal/text/printable.js"
import type { Part, PublishOptions } from "../Store.js"
import type { Access } from "./fileAccess.js"
import type { FileOperations } from "./fileOperations.js"
import type { OpenFile, OpenFiles } from "./openFiles.js"
import * as Publishing from "./publishing.js"
import { writeAll, writeEach } from "./writeAll.js"
import { type MemoryBudget, WriteBuffer } from "./writeBuffer.js"

/** What a part keeps in memory. */
export interface BufferLimits {
  /** A body up to this size is kept in memory until it is published. */
  readonly smallBytes: number
  /** Small chunks of a larger body are collected into blocks of this size. */
  readonly blockBytes: number
}

export const defaultLimits: BufferLimits = { smallBytes: 256 * 1024, blockBytes: 64 * 1024 }

/** What the parts of a store share. */
export interface Dependencies<Handle> {
  readonly operations: FileOperations<Handle>
  /**
   * Runs `act` with operations that end in the call, except for `read`, `sync` and `syncDirectory`. Undefined if such operations
   * are too slow at this moment, or if there are none. Then `act` is not run.
   */
  readonly runSync: <A>(
    act: (operations: FileOperations<Handle>) => Effect.Effect<A, unknown>
  ) => Exit.Exit<A, unknown> | undefined
  /**
   * Closes a file, and returns a function that opens it again. That function fails if another file has the name by then. Undefined
   * if the file stays open, because it could not be opened again. If closing it fails, the file is removed.
   */
  readonly closeToReopen: (
    handle: Handle,
    path: string
  ) => Exit.Exit<() => Effect.Effect<Handle, unknown>, unknown> | undefined
  readonly directoryOf: (destination: string) => string
  /** Draws a path for the part of this destination. */
  readonly partPath: (destination: string) => string
  readonly memory: MemoryBudget
  readonly limits: BufferLimits
  readonly openFiles: OpenFiles
}

export class FilePart<Handle extends number | object> implements Part, OpenFile {
  private readonly buffer: WriteBuffer
  private lock: Effect.Semaphore | undefined
  private path: string | undefined
  private handle: Handle | undefined
  /** Opens the file again after it was closed to free a descriptor. */
  private reopen: (() => Effect.Effect<Handle, unknown>) | undefined
  /** The number of effects that use the handle at this moment. */
  private users = 0
  /** The access of the file to be replaced. */
  private access: Access | undefined
  private isAccessKnown = false
  /** Set when accepted bytes could not be written: the part cannot be published any more. */
  private broken: Disk | undefined
  private isPublished = false
  /** True when the file was published or removed. */
  private isFinished = false
  /** The path that the file gets. */
  private target: string

  constructor(
    private readonly store: Dependencies<Handle>,
    private readonly destination: string
  ) {
    this.buffer = new WriteBuffer(store.memory)
    this.target = destination
  }

  write(chunk: Uint8Array, positionBytes: number): Effect.Effect<void, Disk> {
    if (this.isPublished) {
      return Exit.die(new Error("the part was published already"))
    }
    return this.keep(chunk, positionBytes)
      ? Exit.void
      : this.perform(
          (operations) => this.flushed(operations),
          (operations, handle) =>
            this.keep(chunk, positionBytes)
              ? Exit.void
              : writeAll(operations, handle, { bytes: chunk, startBytes: positionBytes })
        )
  }

  read(chunk: Uint8Array, positionBytes: number): Effect.Effect<number, Disk> {
    return this.performLater(
      (operations) => this.flushed(operations),
      (operations, handle) => operations.read(handle, chunk, positionBytes)
    )
  }

  reserve(): Effect.Effect<void, Disk> {
    return Exit.void
  }

  checkpoint(): Effect.Effect<void, Disk> {
    return Exit.void
  }

  publish(options: PublishOptions): Effect.Effect<string | undefined, Disk> {
    const { modifiedMillis, name, onExists } = options
    this.target = name === undefined ? this.destination : beside(this.destination, name)
    const prepare = (operations: FileOperations<Handle>) => this.prepared(operations, onExists, modifiedMillis)
    return options.durability === "rename"
      ? this.perform(prepare, (operations, handle) => this.finish(operations, handle, onExists))
      : this.performLater(prepare, (operations, handle) => this.syncAndFinish(operations, handle, onExists))
  }

  close(): Effect.Effect<void> {
    return Effect.suspend(() => {
      const { handle, path } = this
      const { operations } = this.store
      this.buffer.clear()
      this.forgetFile()
      return handle === undefined && path === undefined
        ? Exit.void
        : Effect.uninterruptible(
            Effect.zipRight(
              handle === undefined ? Exit.void : Effect.ignore(operations.close(handle)),
              path === undefined ? Exit.void : Effect.suspend(() => Effect.ignore(operations.remove(path)))
            )
          )
    })
  }

  closeIfIdle(): boolean {
    const { handle, path } = this
    const closed =
      handle === undefined || path === undefined || this.users > 0 ? undefined : this.store.closeToReopen(handle, path)
    if (closed === undefined) {
      return false
    }
    this.store.openFiles.delete(this)
    this.handle = undefined
    if (Exit.isSuccess(closed)) {
      this.reopen = closed.value
    } else {
      // Some file systems report a full device only when a file is closed.
      this.broken = this.failureOf(errorOf(closed))
      this.path = undefined
    }
    return true
  }

  /** Keeps a chunk in memory if there is room, and if the body may be small or the chunk is too small for a write. */
  private keep(chunk: Uint8Array, positionBytes: number): boolean {
    const { blockBytes, smallBytes } = this.store.limits
    return (
      this.broken === undefined &&
      (this.path === undefined
        ? this.buffer.add(chunk, positionBytes, smallBytes)
        : chunk.length < blockBytes / 4 && this.buffer.add(chunk, positionBytes, blockBytes))
    )
  }

  /** Opens the file and uses it, by operations that end in the call if possible. */
  private perform<A>(
    open: (operations: FileOperations<Handle>) => Effect.Effect<Handle, unknown>,
    use: (operations: FileOperations<Handle>, handle: Handle) => Effect.Effect<A, unknown>
  ): Effect.Effect<A, Disk> {
    const exit = this.store.runSync((operations) => andThen(open(operations), (handle) => use(operations, handle)))
    if (exit === undefined || (Exit.isFailure(exit) && this.isShortOfDescriptors(errorOf(exit)))) {
      return this.performLater(open, use)
    }
    return Exit.isSuccess(exit) ? Exit.succeed(exit.value) : Exit.mapError(exit, (cause) => this.failureOf(cause))
  }

  /**
   * Does the same by an effect, which waits if no descriptor is free. Only that wait is interruptible: an operation that a thread
   * executes cannot be cancelled, and its file must stay open until it ends.
   */
  private performLater<A>(
    open: (operations: FileOperations<Handle>) => Effect.Effect<Handle, unknown>,
    use: (operations: FileOperations<Handle>, handle: Handle) => Effect.Effect<A, unknown>
  ): Effect.Effect<A, Disk> {
    const { operations } = this.store
    const attempt = Effect.suspend(() => {
      this.users++
      this.lock ??= Effect.unsafeMakeSemaphore(1)
      // Two calls at a time must not both create the file, nor read bytes that the other one still writes from memory.
      return Effect.flatMap(this.lock.withPermits(1)(Effect.suspend(() => open(operations))), (handle) =>
        use(operations, handle)
      )
    }).pipe(
      Effect.ensuring(
        Effect.sync(() => {
          this.users--
        })
      )
    )
    return Effect.uninterruptible(
      Effect.mapError(retryUntilDescriptorFree((cause) => this.isShortOfDescriptors(cause))(attempt), (cause) =>
        this.failureOf(cause)
      )
    )
  }

  private isShortOfDescriptors(cause: unknown): boolean {
    return this.handle === undefined && !this.isFinished && isTooManyOpen(cause)
  }

  private failureOf(cause: unknown): Disk {
    return cause instanceof Disk ? cause : fromCause(this.destination, cause)
  }

  private opened(operations: FileOperations<Handle>): Effect.Effect<Handle, unknown> {
    if (this.handle !== undefined) {
      return Exit.succeed(this.handle)
    }
    return matchExit(this.reopen === undefined ? this.created(operations, 8) : this.reopen(), (exit) => {
      if (Exit.isSuccess(exit)) {
        this.handle = exit.value
        this.store.openFiles.add(this)
        return exit
      }
      return isTooManyOpen(errorOf(exit)) && this.store.openFiles.freeDescriptor() ? this.opened(operations) : exit
    })
  }

  private created(operations: FileOperations<Handle>, attempts: number): Effect.Effect<Handle, unknown> {
    return andThen(this.isAccessKnown ? Exit.void : this.lookUpAccess(operations), () => {
      const path = this.store.partPath(this.destination)
      return matchExit(operations.create(path, this.access === undefined ? "default" : "private"), (exit) => {
        if (Exit.isSuccess(exit)) {
          this.path = path
          return exit
        }
        // A `Random` of the program can repeat the names of another process.
        return codeOf(errorOf(exit)) === "EEXIST" && attempts > 1 ? this.created(operations, attempts - 1) : exit
      })
    })
  }

  private lookUpAccess(operations: FileOperations<Handle>): Effect.Effect<void, unknown> {
    return andThen(operations.accessOf(this.destination), (found) => {
      this.access = found === "special" ? undefined : found
      this.isAccessKnown = true
      return Exit.void
    })
  }

  /** Reads the access of the file to be replaced, which may be another file than when the part was opened. */
  private lookUpReplaced(
    operations: FileOperations<Handle>,
    onExists: PublishOptions["onExists"]
  ): Effect.Effect<void, unknown> {
    if (onExists === "overwrite") {
      return andThen(operations.accessOf(this.target), (found) => {
        if (found === "special") {
          return Exit.fail(specialFile(this.target))
        }
        this.access = found ?? this.access
        this.isAccessKnown = true
        return Exit.void
      })
    }
    // Without a file at the destination there is no access to keep.
    this.isAccessKnown ||= this.path === undefined && onExists !== "unique"
    return Exit.void
  }

  /** Writes all accepted bytes, and sets the access of the file and its modification time. */
  private prepared(
    operations: FileOperations<Handle>,
    onExists: PublishOptions["onExists"],
    modifiedMillis: number | undefined
  ): Effect.Effect<Handle, unknown> {
    return andThen(this.lookUpReplaced(operations, onExists), () =>
      andThen(this.flushed(operations), (handle) =>
        andThen(this.access === undefined ? Exit.void : operations.setAccess(handle, this.access), () =>
          andThen(modifiedMillis === undefined ? Exit.void : operations.setModified(handle, modifiedMillis), () =>
            Exit.succeed(handle)
          )
        )
      )
    )
  }

  private flushed(operations: FileOperations<Handle>): Effect.Effect<Handle, unknown> {
    if (this.broken !== undefined) {
      return Exit.fail(this.broken)
    }
    return andThen(this.opened(operations), (handle) =>
      matchExit(writeEach(operations, handle, this.buffer.take()), (exit) => {
        if (Exit.isSuccess(exit)) {
          return Exit.succeed(handle)
        }
        this.broken = this.failureOf(errorOf(exit))
        return Exit.failCause(exit.cause)
      })
    )
  }

  private syncAndFinish(
    operations: FileOperations<Handle>,
    handle: Handle,
    onExists: PublishOptions["onExists"]
  ): Effect.Effect<string | undefined, unknown> {
    const { directoryOf, openFiles } = this.store
    const syncDirectory = Effect.mapError(
      completeWhenDescriptorFree((cause) => isTooManyOpen(cause) && (openFiles.freeDescriptor() || true))(
        Effect.suspend(() => operations.syncDirectory(directoryOf(this.destination)))
      ),
      (cause) => new Disk({ ...fromCause(this.destination, cause), reason: "not-durable" })
    )
    return operations.sync(handle).pipe(
      Effect.flatMap(() => this.finish(operations, handle, onExists)),
      Effect.tap((path) => (path === undefined ? Effect.void : syncDirectory))
    )
  }

  /** Closes the file and gives it its final name. */
  private finish(
    operations: FileOperations<Handle>,
    handle: Handle,
    onExists: PublishOptions["onExists"]
  ): Effect.Effect<string | undefined, unknown> {
    const { path = "", target } = this
    this.forgetFile()
    this.isFinished = true
    const moved = matchExit(operations.close(handle), (closed) =>
      Exit.isSuccess(closed)
        ? Publishing.move(operations, path, target, onExists)
        : // Some file systems report a full device only when a file is closed. The descriptor is free all the same.
          Exit.fail(new Disk({ path: Printable.line(target), reason: "other", detail: "it could not be closed" }))
    )
    return matchExit(moved, (exit) => {
      this.isPublished = Exit.isSuccess(exit) && exit.value !== undefined
      return this.isPublished ? exit : matchExit(operations.remove(path), () => exit)
    })
  }

  private forgetFile(): void {
    this.store.openFiles.delete(this)
    this.handle = undefined
    this.reopen = undefined
    this.path = undefined
  }
}

const isTooManyOpen = (cause: unknown): boolean =>
  cause instanceof Disk ? cause.reason === "too-many-open" : isTooManyOpenCode(codeOf(cause))
