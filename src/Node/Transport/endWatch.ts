/**
 * Tells an end of a TLS connection that was said (`close_notify`, RFC 8446 §6.1) from one that was not. Node tells of both in
 * the same way, and has no access to the alert.
 *
 * A read of the socket that brings the alert ends the stream at once; the end of the socket without one is a read of its own.
 * So the socket is paused after each read that brings content, until the next turn of the event loop: an end that comes
 * meanwhile was said. After that an end was said if the socket has received no more than an alert since. Someone who can cut
 * the connection within a record, and so that just as much of it has come, is not found out.
 *
 * @internal
 */
import type { Socket } from "node:net"
import { TLSSocket } from "node:tls"

export class EndWatch {
  private isWaiting = false
  private receivedBytes = 0
  private next: NodeJS.Immediate | undefined

  constructor(private readonly socket: Socket) {}

  /** Inside of a read that brought content, whose answer this is. `isMore`: the next read may follow. */
  pause(isMore: boolean): false {
    this.receivedBytes = received(this.socket) ?? 0
    this.isWaiting = true
    clearImmediate(this.next)
    if (isMore) {
      this.resume()
    }
    return false
  }

  /** Reads on, in the next turn of the event loop. */
  resume(): void {
    clearImmediate(this.next)
    this.next = setImmediate(() => {
      this.isWaiting = false
      if (!this.socket.destroyed) {
        this.socket.resume()
      }
    })
  }

  /** When the stream has ended. */
  isSaid(): boolean {
    const receivedBytes = received(this.socket)
    if (this.isWaiting || receivedBytes === undefined) {
      return true
    }
    const sinceBytes = receivedBytes - this.receivedBytes
    return sinceBytes > 0 && sinceBytes <= alertAtMostBytes
  }
}

// A record of an alert, in the largest form: CBC with SHA-384. With TLS 1.3 it is 24 bytes.
const alertAtMostBytes = 96

/** What has come on the socket below TLS. Undefined if this version of Node does not say it. */
const received = (socket: Socket): number | undefined => {
  const handle: unknown = socket instanceof TLSSocket ? Reflect.get(socket, "_handle") : undefined
  const below: unknown = typeof handle === "object" && handle !== null ? Reflect.get(handle, "_parent") : undefined
  const bytes: unknown = typeof below === "object" && below !== null ? Reflect.get(below, "bytesRead") : undefined
  return typeof bytes === "number" ? bytes : undefined
}
