/**
 * Detects whether the end of a TLS connection was announced with `close_notify` (RFC 8446 §6.1). Node reports both kinds of end in
 * the same way, and gives no access to the alert.
 *
 * A read that contains the alert ends the stream at once. The end of the socket without an alert is a separate read. So the socket
 * is paused after each read with content, until the next turn of the event loop. An end during that pause was announced. A later
 * end was announced if the socket has since received a few bytes, at most the size of an alert. An attacker that cuts the
 * connection within a record, after just that number of bytes, is not detected.
 *
 * @internal
 */
import type { Socket } from "node:net"
import { TLSSocket } from "node:tls"

export class EndWatch {
  private isWaiting = false
  private receivedBytes = 0
  private next: NodeJS.Immediate | undefined

  constructor(
    private readonly socket: Socket,
    private readonly reader: { readonly resume: () => unknown }
  ) {}

  /** Call it in a read with content, and return its result. `isMore`: the next read may follow. */
  pause(isMore: boolean): false {
    this.receivedBytes = received(this.socket) ?? 0
    this.isWaiting = true
    clearImmediate(this.next)
    if (isMore) {
      this.resume()
    }
    return false
  }

  /** Resumes reading in the next turn of the event loop. */
  resume(): void {
    clearImmediate(this.next)
    this.next = setImmediate(() => {
      this.isWaiting = false
      if (!this.socket.destroyed) {
        this.reader.resume()
      }
    })
  }

  /** After the end of the stream: true if the end was announced, or if this cannot be detected. */
  isAnnounced(): boolean {
    const receivedBytes = received(this.socket)
    if (this.isWaiting || receivedBytes === undefined) {
      return true
    }
    const sinceBytes = receivedBytes - this.receivedBytes
    return sinceBytes > 0 && sinceBytes <= alertAtMostBytes
  }
}

// The largest record of an alert: CBC with SHA-384. With TLS 1.3 it has 24 bytes.
const alertAtMostBytes = 96

/** The number of bytes received on the socket below TLS; undefined if this version of Node does not report it. */
const received = (socket: Socket): number | undefined => {
  const handle: unknown = socket instanceof TLSSocket ? Reflect.get(socket, "_handle") : undefined
  const below: unknown = typeof handle === "object" && handle !== null ? Reflect.get(handle, "_parent") : undefined
  const bytes: unknown = typeof below === "object" && below !== null ? Reflect.get(below, "bytesRead") : undefined
  return typeof bytes === "number" ? bytes : undefined
}
