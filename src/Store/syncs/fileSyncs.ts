/**
 * The syncs of files before they get their names.
 *
 * A sync that is fast enough is made on the event loop. Otherwise a few files are synced at a time, each on a thread. If many wait,
 * and the system can sync a whole file system by one call, they share such a call: the disk then writes its cache once, and not once
 * for each file. It also writes what other programs have changed, so it is used only while it takes less time. If it fails or takes
 * too long, each of the files is synced alone, which reports the errors of each.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { errorOf } from "../../internal/andThen.js"
import type { BlockingSync, Resume } from "./directorySyncs.js"

/** A sync of a whole file system. */
export interface SharedSync<Handle> {
  /**
   * A number that is the same for files of one file system. Undefined if the file system cannot be synced by one call that does
   * for each of its files what a sync of the file does.
   */
  readonly fileSystemOf: (handle: Handle) => number | undefined
  /** Syncs the file system in which the file is. */
  readonly sync: (handle: Handle) => Effect.Effect<void, unknown>
}

export interface SyncLimits {
  /** The number of files that are synced at a time, each on a thread. */
  readonly maxAlone: number
  /** The number of waiting files from which on they share a sync of their file system. */
  readonly minShared: number
}

// Node's pool has four threads. One of them is left for other calls, such as the look-up of a host.
export const defaultSyncLimits: SyncLimits = { maxAlone: 3, minShared: 16 }

/** How a backend syncs files. */
export interface FileSyncOperations<Handle> {
  readonly sync: (handle: Handle) => Effect.Effect<void, unknown>
  /** Undefined if the backend has no calls that block. */
  readonly blocking: BlockingSync<Handle> | undefined
  /** Undefined if the backend has no such call. */
  readonly shared: SharedSync<Handle> | undefined
  readonly limits: SyncLimits
  readonly nowMillis: () => number
}

interface Waiting<Handle> {
  readonly handle: Handle
  /** Undefined if the file is to be synced alone. */
  readonly fileSystem: number | undefined
  readonly resume: Resume
}

const maxShared = 256

// A shared sync begins after this time, so that more files share it. The command that makes it takes as much CPU time as 30 syncs
// on threads.
const sharedPause = Duration.millis(15)

const sharedLimit = Duration.seconds(2)

// The weight of one sync in a moving average.
const weight = 1 / 4

// Each time that files are synced alone, a shared sync is expected to take this much less, so that it is tried again.
const decay = 0.999

export class FileSyncs<Handle> {
  private queue: Array<Waiting<Handle>> = []
  private aloneCount = 0
  private isSharing = false
  /** The file systems in which a shared sync has failed. */
  private readonly alwaysAlone = new Set<number | undefined>()
  /** How long the sync of one file takes. */
  private aloneMillis = 0
  /** How long a shared sync takes. 0 until one was measured. */
  private sharedMillis = 0

  constructor(private readonly operations: FileSyncOperations<Handle>) {}

  /** True if the sync of a small file ends in the call. */
  get areFast(): boolean {
    return this.operations.blocking?.probe.isFast === true
  }

  /**
   * Syncs a file, and calls `resume` with the result, or with an effect that the caller runs for the files that wait. The caller
   * keeps the file open until then. A large file takes long on each device, and is synced at once.
   */
  sync(handle: Handle, isSmall: boolean, resume: Resume): void {
    const { blocking, shared, sync } = this.operations
    if (!isSmall) {
      resume(Effect.suspend(() => sync(handle)))
    } else if (blocking?.probe.isFast === true) {
      resume(blocking.probe.measure(() => blocking.sync(handle)))
    } else {
      this.queue.push({ handle, fileSystem: shared?.fileSystemOf(handle), resume })
      this.start()
    }
  }

  /** Starts what may run now. A sync runs on the fiber of a caller that waits for it. */
  private start(): void {
    if (this.isSharing) {
      return
    }
    const first = this.firstToShare()
    if (first !== undefined) {
      this.isSharing = true
      first.resume(Effect.zipRight(Effect.sleep(sharedPause), this.shared(first)))
      return
    }
    while (this.aloneCount < this.operations.limits.maxAlone) {
      const next = this.queue.shift()
      if (next === undefined) {
        return
      }
      this.aloneCount++
      next.resume(this.alone(next.handle))
    }
  }

  /** The first of the files that are to share a sync. Undefined if they are few, or if it takes less time to sync them alone. */
  private firstToShare(): Waiting<Handle> | undefined {
    const { maxAlone, minShared } = this.operations.limits
    if (this.queue.length < minShared) {
      return undefined
    }
    const first = this.queue.find(({ fileSystem }) => fileSystem !== undefined && !this.alwaysAlone.has(fileSystem))
    const count = this.queue.filter(({ fileSystem }) => first !== undefined && fileSystem === first.fileSystem).length
    const isFaster = this.aloneMillis === 0 || (count * this.aloneMillis) / maxAlone >= this.sharedMillis
    if (count < minShared || !isFaster) {
      this.sharedMillis *= decay
      return undefined
    }
    return first
  }

  /** Takes the files of a file system from the queue. */
  private take(fileSystem: number | undefined): ReadonlyArray<Waiting<Handle>> {
    const group = new Set(this.queue.filter((waiting) => waiting.fileSystem === fileSystem).slice(0, maxShared))
    this.queue = this.queue.filter((waiting) => !group.has(waiting))
    return Array.from(group)
  }

  private alone(handle: Handle): Effect.Effect<void, unknown> {
    const { blocking, nowMillis, sync } = this.operations
    return Effect.suspend(() => {
      const beganAtMillis = nowMillis()
      return Effect.flatMap(Effect.exit(Effect.suspend(() => sync(handle))), (exit) => {
        const millis = nowMillis() - beganAtMillis
        this.aloneMillis += (millis - this.aloneMillis) * weight
        blocking?.probe.onThread(millis)
        this.aloneCount--
        this.start()
        return exit
      })
    })
  }

  private shared(first: Waiting<Handle>): Effect.Effect<void, unknown> {
    const { nowMillis, shared } = this.operations
    return Effect.suspend(() => {
      const group = this.take(first.fileSystem)
      const beganAtMillis = nowMillis()
      const syncing = Effect.suspend(() => (shared === undefined ? Exit.void : shared.sync(first.handle)))
      const limited = Effect.timeout(Effect.interruptible(syncing), sharedLimit)
      // On a fiber of its own, because an interruption of this one would reach its children. This one waits for it.
      return Effect.flatMap(Effect.flatMap(Effect.forkDaemon(limited), Fiber.await), (exit) => {
        const millis = nowMillis() - beganAtMillis
        this.sharedMillis += this.sharedMillis === 0 ? millis : (millis - this.sharedMillis) * weight
        this.isSharing = false
        if (Exit.isFailure(exit)) {
          if (!isTimeout(exit)) {
            this.alwaysAlone.add(first.fileSystem)
          }
          return this.aloneEach(group)
        }
        this.start()
        for (const { resume } of group) {
          // The first one is this fiber.
          if (resume !== first.resume) {
            resume(Exit.void)
          }
        }
        return Exit.void
      })
    })
  }

  /** Syncs each file of the group alone. Ends with the first one. */
  private aloneEach([first, ...others]: ReadonlyArray<Waiting<Handle>>): Effect.Effect<void, unknown> {
    return Effect.async((resume) => {
      const group = first === undefined ? others : [{ ...first, resume }, ...others]
      this.queue.unshift(...group.map((waiting) => ({ ...waiting, fileSystem: undefined })))
      this.start()
    })
  }
}

const isTimeout = (exit: Exit.Failure<unknown, unknown>): boolean => Cause.isTimeoutException(errorOf(exit))
