/**
 * The wait of a transfer for the permit of its next request, and the events about it.
 *
 * @internal
 */
import type { FileTransfer } from "./fileTransfer.js"
import * as LongWait from "./longWait.js"

export class PermitWait {
  private beganAt: number | undefined
  /** Undefined if there is no wait, or no listener. */
  private events: LongWait.LongWait | undefined
  /** Whether another transfer tries the origin, so that this one does not ask for a permit. */
  private isUnreachable = false

  constructor(private readonly file: FileTransfer) {}

  /** The time begins. It does not begin anew if the request follows a redirect or another wait. */
  begin(): void {
    this.beganAt ??= this.file.now()
  }

  /** The permit is not free, or another transfer tries the origin. */
  tell(origin: string, isUnreachable: boolean): void {
    const { beganAt, file } = this
    this.isUnreachable = isUnreachable
    if (file.events?.hasListener === true) {
      const now = file.now()
      this.events ??= new LongWait.LongWait(file.waitTimer, file, origin, now - (beganAt ?? now), () =>
        this.isUnreachable
          ? { obstacle: "unreachable" }
          : LongWait.permitObstacle(file.governor, file.permitOptions, origin)
      )
    }
  }

  /** The transfer has the permit. */
  over(): void {
    this.events?.over()
    this.events = undefined
  }

  /** The request is sent. Returns when the wait began. */
  sent(): number | undefined {
    const { beganAt } = this
    this.beganAt = undefined
    return beganAt
  }

  /** Sends no more events. The next wait is another one. */
  end(): void {
    this.beganAt = undefined
    this.events?.end()
    this.events = undefined
  }
}
