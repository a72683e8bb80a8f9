/**
 * The syncs of directories whose files have got their names.
 *
 * A sync that is under way may have begun before a file had its name. So the caller gets the next sync, which all share that ask
 * until it begins. There is no pause: the next sync begins when the one before has ended.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { errorOf } from "../internal/andThen.js"
import { completeWhenDescriptorFree } from "../internal/descriptors.js"
import type { FileOperations } from "./fileOperations.js"
import { isTooManyOpen, type OpenFiles } from "./openFiles.js"
import type { SyncProbe } from "./syncProbe.js"

/** A sync that blocks the event loop. */
export interface BlockingSync<Target> {
  readonly probe: SyncProbe
  readonly sync: (target: Target) => Exit.Exit<void, unknown>
}

type Resume = (effect: Effect.Effect<void, unknown>) => void

export class DirectorySyncs {
  /** For each directory that is being synced: the callers that wait for the next sync. */
  private readonly waiting = new Map<string, Array<Resume>>()

  constructor(
    private readonly operations: Pick<FileOperations<never>, "syncDirectory">,
    private readonly openFiles: OpenFiles,
    /** Undefined if the backend has no calls that block. */
    private readonly blocking: BlockingSync<string> | undefined
  ) {}

  sync(path: string): Effect.Effect<void, unknown> {
    const { blocking } = this
    if (blocking?.probe.isFast === true) {
      const exit = blocking.probe.measure(() => blocking.sync(path))
      if (Exit.isSuccess(exit) || !isTooManyOpen(errorOf(exit))) {
        return exit
      }
    }
    return Effect.uninterruptible(
      Effect.async((resume) => {
        const waiting = this.waiting.get(path)
        if (waiting === undefined) {
          this.waiting.set(path, [])
          resume(this.lead(path))
        } else {
          waiting.push(resume)
        }
      })
    )
  }

  /** Syncs the directory for all that wait, and then lets the first of those that have come meanwhile do the same. */
  private lead(path: string): Effect.Effect<void, unknown> {
    const { openFiles, operations } = this
    const syncing = completeWhenDescriptorFree((cause) => isTooManyOpen(cause) && (openFiles.freeDescriptor() || true))(
      Effect.suspend(() => operations.syncDirectory(path))
    )
    const together = Effect.suspend(() => {
      const others = this.waiting.get(path) ?? []
      this.waiting.set(path, [])
      return Effect.flatMap(Effect.exit(syncing), (exit) => {
        const next = this.waiting.get(path)?.shift()
        if (next === undefined) {
          this.waiting.delete(path)
        } else {
          next(this.lead(path))
        }
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
