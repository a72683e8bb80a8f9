/**
 * Whether a request waits before it is sent, and why. Tells the receiver each change.
 *
 * @internal
 */
import type * as Transport from "../../../Transport.js"

export class Hold {
  private by: Transport.HeldBy | undefined
  private reported: Transport.HeldBy | undefined

  constructor(private readonly receiver: Transport.Receiver) {}

  get isHeld(): boolean {
    return this.by !== undefined
  }

  /** Undefined: the request does not wait. */
  set(by: Transport.HeldBy | undefined): void {
    this.by = by
  }

  /** Tells the receiver what has changed since the last call. */
  report(): void {
    const { by, receiver, reported } = this
    if (by === reported) {
      return
    }
    this.reported = by
    if (reported !== undefined) {
      receiver.onHeld(false, reported)
    }
    // The receiver may have changed it in that call.
    if (by !== undefined && this.reported === by) {
      receiver.onHeld(true, by)
    }
  }
}
