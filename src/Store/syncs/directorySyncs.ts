/**
 * The syncs of directories whose files have got their names.
 *
 * A sync that is under way may have begun before a file had its name. So the caller gets the next sync, which all share that ask
 * until it begins.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { errorOf } from "../../internal/andThen.js"
import { completeWhenDescriptorFree } from "../../internal/descriptors.js"
import type { FileOperations } from "../files/fileOperations.js"
import { isTooManyOpen, type OpenFiles } from "../files/openFiles.js"
import type { SyncProbe } from "./syncProbe.js"

/** A sync that blocks the event loop. */
export interface BlockingSync<Target> {
  readonly probe: SyncProbe
  readonly sync: (target: Target) => Exit.Exit<void, unknown>
}

/**
 * Gets the result of a sync, or an effect that makes it for all that wait. Its caller runs that effect uninterruptible. It must not
 * throw: others wait for the same sync.
 */
export type Resume = (effect: Effect.Effect<void, unknown>) => void

/** The syncs of one directory. */
interface Directory {
  /** The callers that wait for the next sync. */
  waiting: Array<Resume>
  /** The number of syncs that are under way. */
  underWay: number
  /** True if the next sync begins in this turn of the event loop. */
  isStarting: boolean
}

// Syncs at the same time take less time than one after the other, because a file system writes its journal for all of them. More
// callers share the next one.
const maxUnderWay = 8

export class DirectorySyncs {
  private readonly directories = new Map<string, Directory>()

  constructor(
    private readonly operations: Pick<FileOperations<never>, "syncDirectory">,
    private readonly openFiles: OpenFiles,
    /** Undefined if the backend has no calls that block. */
    private readonly blocking: BlockingSync<string> | undefined
  ) {}

  /** Syncs a directory in the call, if such syncs are fast and a descriptor is free. Otherwise returns undefined. */
  syncNow(path: string): Exit.Exit<void, unknown> | undefined {
    const { blocking } = this
    if (blocking?.probe.isFast !== true) {
      return undefined
    }
    const exit = blocking.probe.measure(() => blocking.sync(path))
    return Exit.isFailure(exit) && isTooManyOpen(errorOf(exit)) ? undefined : exit
  }

  /** Syncs a directory, and calls `resume` with the result, or with an effect that the caller runs for the others that wait. */
  sync(path: string, resume: Resume): void {
    const directory = this.directories.get(path) ?? { waiting: [], underWay: 0, isStarting: false }
    this.directories.set(path, directory)
    directory.waiting.push(resume)
    this.start(path, directory)
  }

  /** Lets the first caller that waits sync the directory for all of them, unless enough syncs are under way. */
  private start(path: string, directory: Directory): void {
    if (directory.isStarting || directory.underWay >= maxUnderWay) {
      return
    }
    const first = directory.waiting.shift()
    if (first !== undefined) {
      directory.isStarting = true
      first(this.lead(path, directory))
    } else if (directory.underWay === 0) {
      this.directories.delete(path)
    }
  }

  private lead(path: string, directory: Directory): Effect.Effect<void, unknown> {
    const { openFiles, operations } = this
    const syncing = completeWhenDescriptorFree((cause) => isTooManyOpen(cause) && (openFiles.freeDescriptor() || true))(
      Effect.suspend(() => operations.syncDirectory(path))
    )
    const together = Effect.suspend(() => {
      const others = directory.waiting
      directory.waiting = []
      directory.isStarting = false
      directory.underWay++
      return Effect.flatMap(Effect.exit(syncing), (exit) => {
        directory.underWay--
        this.start(path, directory)
        for (const resume of others) {
          resume(exit)
        }
        return exit
      })
    })
    // Files that were synced together get their names in the same turn of the event loop.
    return Effect.uninterruptible(Effect.zipRight(Effect.yieldNow(), together))
  }
}
