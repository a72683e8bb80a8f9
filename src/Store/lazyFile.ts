/**
 * A file that is opened when it is first used, and closed for a while if no descriptor is free.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { fromCause } from "../DownloadError/diskErrors.js"
import { Disk } from "../DownloadError.js"
import { andThen, errorOf, matchExit } from "../internal/andThen.js"
import { retryUntilDescriptorFree } from "../internal/descriptors.js"
import type { FileOperations } from "./files/fileOperations.js"
import { isTooManyOpen, type OpenFile } from "./files/openFiles.js"
import type { Reservations } from "./files/reservation.js"
import type { MemoryBudget } from "./files/writeBuffer.js"
import type { KeptParts } from "./kept/keptParts.js"
import type { Backend, Shared } from "./kept/leftPart.js"
import type { DirectorySyncs } from "./syncs/directorySyncs.js"
import { defaultSyncLimits, type FileSyncs, type SyncLimits } from "./syncs/fileSyncs.js"

/** What a part keeps in memory, and when files are synced together. */
export interface Limits {
  /** A body up to this size is kept in memory until it is published. */
  readonly smallBytes: number
  /** The same for a part with a key: what is in memory, a kill of the process loses. */
  readonly smallResumableBytes: number
  /** Small chunks of a larger body are collected into blocks of this size. */
  readonly blockBytes: number
  readonly syncs: SyncLimits
}

export const defaultLimits: Limits = {
  smallBytes: 256 * 1024,
  smallResumableBytes: 64 * 1024,
  blockBytes: 64 * 1024,
  syncs: defaultSyncLimits
}

/** What the backends of a store share. */
export interface StoreShared extends Shared {
  readonly kept: KeptParts
}

/** What the parts of a store share. */
export interface Dependencies<Handle> extends Backend<Handle> {
  readonly shared: StoreShared
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
  /** The separator of paths. */
  readonly separator: string
  /** The bytes that are free in the file system of a directory; undefined if that is not known. */
  readonly freeBytes: (directory: string) => Effect.Effect<number | undefined, unknown>
  /** False if files in the directory are durable without a sync, or if a sync would not make them so. */
  readonly needsSync: (directory: string) => boolean
  readonly reservations: Reservations
  readonly fileSyncs: FileSyncs<Handle>
  readonly directorySyncs: DirectorySyncs
  readonly memory: MemoryBudget
  readonly limits: Limits
}

export abstract class LazyFile<Handle extends number | object> implements OpenFile {
  protected path: string | undefined
  protected handle: Handle | undefined
  /** Opens the file again after it was closed to free a descriptor. */
  protected reopen: (() => Effect.Effect<Handle, unknown>) | undefined
  /** The number of effects that use the handle at this moment. */
  protected users = 0
  /** Set when accepted bytes could not be written: the part cannot be published any more. */
  protected broken: Disk | undefined
  /** True when the file was published or removed. */
  protected isFinished = false
  private lock: Effect.Semaphore | undefined

  constructor(
    protected readonly store: Dependencies<Handle>,
    protected readonly destination: string
  ) {}

  /** Creates the file, and sets its path. */
  protected abstract created(operations: FileOperations<Handle>): Effect.Effect<Handle, unknown>

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

  /** Opens the file and uses it, by operations that end in the call if possible. */
  protected perform<A>(
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
  protected performLater<A>(
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

  /** Counts one user less when the effect has ended. */
  protected noLongerInUse<A>(effect: Effect.Effect<A, unknown>): Effect.Effect<A, Disk> {
    return matchExit(effect, (exit) => {
      this.users--
      return Exit.mapError(exit, (cause) => this.failureOf(cause))
    })
  }

  private isShortOfDescriptors(cause: unknown): boolean {
    return this.handle === undefined && !this.isFinished && isTooManyOpen(cause)
  }

  protected failureOf(cause: unknown): Disk {
    return cause instanceof Disk ? cause : fromCause(this.destination, cause)
  }

  protected opened(operations: FileOperations<Handle>): Effect.Effect<Handle, unknown> {
    if (this.handle !== undefined) {
      return Exit.succeed(this.handle)
    }
    return matchExit(this.reopen === undefined ? this.created(operations) : this.reopen(), (exit) => {
      if (Exit.isSuccess(exit)) {
        this.handle = exit.value
        this.store.openFiles.add(this)
        return exit
      }
      return isTooManyOpen(errorOf(exit)) && this.store.openFiles.freeDescriptor() ? this.opened(operations) : exit
    })
  }

  protected forgetFile(): void {
    this.store.openFiles.delete(this)
    this.handle = undefined
    this.reopen = undefined
    this.path = undefined
  }
}
