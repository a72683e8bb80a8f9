/**
 * Ends a run at its first failure, if `--fail-fast` is given.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { RunReport } from "../../Download.js"
import type { DownloadEvent } from "../../DownloadEvent.js"

export class FailFast {
  private readonly failed = Effect.unsafeMakeLatch()
  private hasFailed = false

  constructor(
    private readonly isWanted: boolean,
    private readonly report: () => RunReport
  ) {}

  /** Looks for a failure in the report. */
  check(): void {
    if (this.isWanted && !this.hasFailed && this.report().failed > 0) {
      this.hasFailed = true
      this.failed.unsafeOpen()
    }
  }

  /** The same listener, and a look at the report after each event. */
  after(listener: (event: DownloadEvent) => Effect.Effect<void>): (event: DownloadEvent) => Effect.Effect<void> {
    return this.isWanted
      ? (event) =>
          Effect.map(listener(event), () => {
            this.check()
          })
      : listener
  }

  /** The same outcomes up to the first failure. Then the run closes, and cancels what is in flight. */
  stop<A, E, R>(outcomes: Stream.Stream<A, E, R>): Stream.Stream<A, E, R> {
    return this.isWanted ? Stream.interruptWhen(outcomes, this.failed.await) : outcomes
  }

  /** The line for the user if the run was stopped. */
  notice(): string | undefined {
    return this.hasFailed ? "stopped at the first failure, because of --fail-fast" : undefined
  }
}
