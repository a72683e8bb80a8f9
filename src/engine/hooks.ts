/**
 * What a caller brings to a transfer besides its request.
 *
 * @internal
 */

import type * as Effect from "effect/Effect"
import type { Cookies } from "../Cookies.js"
import type { DownloadEvent, Finished, Started } from "../DownloadEvent.js"
import type { Journal } from "../Journal.js"
import type { Sink } from "../Store/sequential.js"
import type { Store } from "../Store.js"
import type { RunPermits } from "./runPermits.js"
import type { TransferTrace } from "./trace.js"

/** Makes the waits of an uninterruptible effect interruptible, as far as the caller is. */
export type Restore = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

export interface Hooks {
  readonly permitOptions?: RunPermits | undefined
  /** When the request's deadline expires, if it started before the transfer. */
  readonly deadlineAt?: number | undefined
  readonly events?: EventSink | undefined
  /** Undefined if the transfer has no spans. */
  readonly trace?: TraceSource | undefined
  readonly journal?: typeof Journal.Service | undefined
  readonly cookies?: typeof Cookies.Service | undefined
  readonly names?: Names | undefined
  readonly runNames?: RunNames | undefined
  /** Undefined: the content goes to the store of the downloader. */
  readonly content?: Content | undefined
}

/** The spans of the callers of a transfer. */
export interface TraceSource {
  /** The trace of a caller that waits for the transfer. Undefined if none of them has a tracer. */
  readonly trace: TransferTrace | undefined
}

/** A store for one content. */
export interface Content {
  readonly store: typeof Store.Service
  /** What takes the bytes if they are delivered as they arrive. */
  readonly sink?: Sink | undefined
}

/** The names that transfers have taken. */
export interface Names {
  /**
   * Takes the path, or the first numbered path that no other transfer has, and gives back the path that the transfer took before.
   * `isRefused` refuses more paths.
   */
  readonly take: (destination: string, isRefused: (path: string) => boolean) => string
}

/** The names that the transfers of a run have taken. */
export interface RunNames {
  /** Does what `Names.take` does. `isTaken` refuses the names of other runs. */
  readonly take: (destination: string, isTaken: (destination: string) => boolean) => string
}

/** An event of a transfer between its beginning and its end. */
export type TransferEvent = Exclude<DownloadEvent, Started | Finished>

/** Receives the events of a transfer. */
export interface EventSink {
  /** False if there is no listener, so events need not be created. Another caller of the same file may add one. */
  readonly hasListener: boolean
  /** Neither suspends nor throws. */
  readonly send: (event: TransferEvent) => void
}
