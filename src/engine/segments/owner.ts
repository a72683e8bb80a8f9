/**
 * What segments need of the attempt that they belong to.
 *
 * @internal
 */
import type * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type { DownloadError } from "../../DownloadError.js"
import type { Permit } from "../../OriginGovernor.js"
import type { Part } from "../../Store.js"
import type { FileTransfer } from "../fileTransfer.js"
import type { Hop } from "../redirect.js"
import type { Task } from "../tasks.js"
import type { Wait } from "../wait.js"

/** The attempt that the segments belong to. */
export interface Owner {
  readonly transfer: FileTransfer
  readonly hop: Hop
  readonly wait: Wait
  readonly permit: Permit
  readonly start: <A, E>(effect: Effect.Effect<A, E>, onEnd: (exit: Exit.Exit<A, E>) => void) => Task | undefined
  /** Ends the attempt's own response, and calls `next` when its exchange is closed. */
  readonly endResponse: (next: () => void) => void
  /** All bytes are in the part. */
  readonly complete: (part: Part) => void
  /** The attempt has no permit for the rest, or the URL to which it was redirected refuses it. */
  readonly requestRest: () => void
  readonly finish: (exit: Exit.Exit<never, DownloadError>) => void
}
