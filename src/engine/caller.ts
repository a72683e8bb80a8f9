/**
 * The caller of `download` or `run`: the listener of its events, the journal of its outcomes, and whether its transfers have
 * spans.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import type * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberId from "effect/FiberId"
import * as Runtime from "effect/Runtime"
import type { Cookies } from "../Cookies.js"
import { Cancelled, type DownloadOutcome, type DownloadRequest } from "../Download.js"
import { type DownloadEvent, Finished, Started } from "../DownloadEvent.js"
import type { Hasher } from "../Hasher.js"
import { isExit } from "../internal/andThen.js"
import * as Printable from "../internal/text/printable.js"
import * as Unvalidated from "../internal/unvalidated.js"
import * as Journal from "../Journal.js"
import type { Background } from "./background.js"
import type { EventSink, Restore } from "./hooks.js"
import type { Listener } from "./listener.js"
import type { Worker } from "./sharedTransfer.js"
import type { Tracing } from "./trace.js"
import type { Transfer } from "./transfer.js"

interface Dependencies {
  readonly transfer: Transfer
  /** The runtime for the effects of the listener and of the journal. */
  readonly runtime: Runtime.Runtime<never>
  readonly background: Background
  readonly listener: Listener | undefined
  readonly journal: typeof Journal.Journal.Service | undefined
  readonly cookies: typeof Cookies.Service | undefined
  readonly hasher: typeof Hasher.Service
  readonly clock: Clock.Clock
  /** Undefined if its transfers have no spans. */
  readonly tracing: Tracing | undefined
}

export class Caller implements EventSink {
  constructor(private readonly dependencies: Dependencies) {}

  get transfer(): Transfer {
    return this.dependencies.transfer
  }

  get journal(): typeof Journal.Journal.Service | undefined {
    return this.dependencies.journal
  }

  get cookies(): typeof Cookies.Service | undefined {
    return this.dependencies.cookies
  }

  get hasListener(): boolean {
    return this.dependencies.listener !== undefined
  }

  /** True if there is neither a listener nor a journal. */
  get isSilent(): boolean {
    return this.dependencies.listener === undefined && this.journal === undefined
  }

  private get atMillis(): number {
    return this.dependencies.clock.unsafeCurrentTimeMillis()
  }

  /** The same caller, for a transfer that saves nothing. */
  get withoutJournal(): Caller {
    return new Caller({ ...this.dependencies, journal: undefined })
  }

  send(event: DownloadEvent): void {
    this.dependencies.listener?.receive(event, this.dependencies.runtime)
  }

  /** Sends the outcome of a request to the listener and the journal. Run it uninterruptible. */
  withReports(
    request: DownloadRequest,
    restore: Restore,
    worker: Worker | undefined,
    work: Effect.Effect<DownloadOutcome>
  ): Effect.Effect<DownloadOutcome> {
    return Effect.suspend(() => {
      this.dependencies.background.enter()
      this.send(Unvalidated.make(Started, { request, atMillis: this.atMillis }))
      return Effect.matchCauseEffect(work, {
        onSuccess: (outcome) => {
          // The request was already reported as cancelled.
          if (worker?.isDetached === true) {
            this.finish(undefined)
            return Effect.succeed(outcome)
          }
          return this.report(outcome, restore, worker)
        },
        // After a defect, the state of the file is unknown.
        onFailure: (cause) => {
          this.finish(worker?.isDetached === true ? undefined : Unvalidated.make(Cancelled, { request }))
          return Effect.failCause(cause)
        }
      })
    })
  }

  /**
   * Records the outcome `Cancelled` and sends the event, without waiting for the journal. `attempts`: 0 if no transfer has begun for the
   * request, and undefined if it goes on for other callers.
   */
  reportCancelled(request: DownloadRequest, attempts?: 0): void {
    const outcome = Unvalidated.make(Cancelled, attempts === undefined ? { request } : { request, attempts })
    const onEnd = (exit: Exit.Exit<void>) => this.logUnrecorded(outcome, exit)
    const exit = this.record(outcome, onEnd)
    if (exit !== undefined) {
      onEnd(exit)
    }
    this.send(Unvalidated.make(Finished, { outcome, atMillis: this.atMillis }))
  }

  /** Undefined if its transfers have no spans. */
  get tracing(): Tracing | undefined {
    return this.dependencies.tracing
  }

  /**
   * Records the outcome, and then sends the event. An interruption ends only the wait for the journal, not the recording. After a
   * defect of the journal, the event is sent and the effect dies.
   */
  private report(
    outcome: DownloadOutcome,
    restore: Restore,
    worker: Worker | undefined
  ): Effect.Effect<DownloadOutcome> {
    const finish = (exit: Exit.Exit<void>): Exit.Exit<DownloadOutcome> => {
      this.finish(outcome)
      if (Exit.isSuccess(exit)) {
        return Exit.succeed(outcome)
      }
      if (worker !== undefined) {
        worker.unrecorded = outcome
      }
      return Exit.failCause(exit.cause)
    }
    if (this.journal === undefined) {
      return finish(Exit.void)
    }
    let recorded: Deferred.Deferred<Exit.Exit<void>> | undefined
    let ended: Exit.Exit<void> | undefined
    let isAwaited = true
    ended = this.record(outcome, (exit) => {
      ended = exit
      if (recorded !== undefined) {
        Deferred.unsafeDone(recorded, Exit.succeed(exit))
      }
      if (!isAwaited) {
        this.logUnrecorded(outcome, exit)
      }
    })
    if (ended !== undefined) {
      return finish(ended)
    }
    recorded = Deferred.unsafeMake<Exit.Exit<void>>(FiberId.none)
    return Effect.matchCauseEffect(restore(Deferred.await(recorded)), {
      onSuccess: finish,
      onFailure: () => {
        isAwaited = false
        return finish(ended ?? Exit.void)
      }
    })
  }

  /** Ends a request that began, and sends its outcome if one is given. */
  private finish(outcome: DownloadOutcome | undefined): void {
    if (outcome !== undefined) {
      this.send(Unvalidated.make(Finished, { outcome, atMillis: this.atMillis }))
    }
    this.dependencies.background.leave()
  }

  /** Returns the exit of the journal's effect if it does not suspend. Otherwise calls `onEnd` with it. */
  private record(outcome: DownloadOutcome, onEnd: (exit: Exit.Exit<void>) => void): Exit.Exit<void> | undefined {
    const { background, clock, hasher, journal, runtime } = this.dependencies
    if (journal === undefined) {
      return Exit.void
    }
    const recording = recorded(() =>
      journal.record(Journal.makeEntry(outcome, hasher, clock.unsafeCurrentTimeMillis()))
    )
    return isExit(recording) ? recording : background.start(runtime, recording, onEnd)
  }

  /** Logs a defect of the journal that no caller gets. */
  private logUnrecorded(outcome: DownloadOutcome, exit: Exit.Exit<void>): void {
    if (Exit.isFailure(exit)) {
      // A step that cannot be interrupted may have kept the entry.
      const has = Cause.isInterruptedOnly(exit.cause) ? "may have" : "has"
      const what = `The journal ${has} no entry for ${Printable.line(outcome.request.destination)}`
      Runtime.runFork(this.dependencies.runtime, Effect.logError(what, exit.cause))
    }
  }
}

const recorded = (record: () => Effect.Effect<void>): Effect.Effect<void> => {
  try {
    return record()
  } catch (defect) {
    return Exit.die(defect)
  }
}
