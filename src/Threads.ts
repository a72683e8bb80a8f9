/**
 * The port to worker threads: it starts them, and carries notes to and fro. What the notes say is `WorkerDownloader`'s.
 *
 * Notes are plain data, which the structured clone algorithm copies (HTML, §2.7); they arrive whole, in order, and many at
 * a time. Backends: `Node/Threads` on `node:worker_threads`.
 *
 * @since 0.2.0
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { FromThread, ToThread } from "./internal/threadNotes.js"

/**
 * A thread that was started.
 *
 * @category models
 * @since 0.2.0
 */
export interface Thread {
  /** Sends notes. What is sent to a thread that has ended is lost. */
  readonly post: (notes: ReadonlyArray<ToThread>) => void
  /** Which part of the time since this was last asked for its event loop was busy, from 0 to 1. */
  readonly utilization: () => number
  /** Asks it to end, and waits until it has; where it does not, it is terminated after a while. */
  readonly end: Effect.Effect<void>
}

/**
 * Starts threads, each of which runs `WorkerDownloader.layerRunner`.
 *
 * @category tags
 * @since 0.2.0
 */
export class Threads extends Context.Tag("halyard/Threads")<
  Threads,
  {
    /** Notes may be posted at once. `onEnd` is called once, however the thread ends; nothing is told after it. */
    readonly start: (handlers: {
      readonly onNotes: (notes: ReadonlyArray<FromThread>) => void
      readonly onEnd: () => void
    }) => Thread
    /** Calls it when what came in at this moment has been looked at, so that its answers go out together. */
    readonly soon: (act: () => void) => void
    /** How many threads can run at once. */
    readonly parallelism: number
    /** What `utilization` of a thread is, of the calling thread. */
    readonly utilization: () => number
    /** How many processors this process had, on average, since this was last asked for. */
    readonly processors: () => number
  }
>() {}

/**
 * The other end, in a thread that was started.
 *
 * @category tags
 * @since 0.2.0
 */
export class Caller extends Context.Tag("halyard/Threads/Caller")<
  Caller,
  {
    /** Has notes handed to this function, from the first one on. */
    readonly receive: (onNotes: (notes: ReadonlyArray<ToThread>) => void) => void
    readonly post: (notes: ReadonlyArray<FromThread>) => void
    /** As that of `Threads`. */
    readonly soon: (act: () => void) => void
    /** Calls it after a few milliseconds, for what nobody waits for. */
    readonly later: (act: () => void) => void
  }
>() {}
