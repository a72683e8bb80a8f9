/**
 * The room that the parts of a store need and have not used yet.
 *
 * @internal
 */
import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { Disk } from "../../DownloadError.js"
import { andThen, matchExit } from "../../internal/andThen.js"
import * as Printable from "../../internal/text/printable.js"

/** The sum over all parts of a store. */
export interface Reservations {
  bytes: number
}

export class Reservation {
  private bytes = 0

  constructor(private readonly all: Reservations) {}

  /** Reserves room for bytes. `freeBytes` gives what is free, undefined if that is not known. */
  take(
    path: string,
    neededBytes: number,
    freeBytes: Effect.Effect<number | undefined, unknown>
  ): Effect.Effect<void, Disk> {
    // A file system that cannot tell how much is free refuses the write that does not fit.
    const found = matchExit(freeBytes, (exit) => Exit.succeed(Exit.isSuccess(exit) ? exit.value : undefined))
    return andThen(found, (free) => {
      const leftBytes = free === undefined ? Number.POSITIVE_INFINITY : Math.max(0, free - this.all.bytes)
      if (neededBytes > leftBytes) {
        const detail = `there is no space left: ${neededBytes} bytes are needed, and ${leftBytes} are free`
        return Exit.fail(new Disk({ path: Printable.line(path), reason: "full", detail }))
      }
      this.bytes = neededBytes
      this.all.bytes += neededBytes
      return Exit.void
    })
  }

  /** Counts bytes that are written, and so no longer free. */
  use(bytes: number): void {
    if (this.bytes > 0) {
      const used = Math.min(this.bytes, bytes)
      this.bytes -= used
      this.all.bytes -= used
    }
  }

  release(): void {
    this.use(this.bytes)
  }
}
