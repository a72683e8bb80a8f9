/**
 * Connects to several addresses and keeps the first connection that is made (RFC 8305 §5).
 *
 * An attempt begins 250 ms after the previous one, or as soon as that one fails. All attempts continue until one is connected.
 * Then the others are closed. Addresses are tried in the order of the resolver, with IPv6 and IPv4 alternating.
 *
 * @internal
 */
import type { Socket } from "node:net"
import { isIPv6 } from "../ipAddress.js"

export interface AttemptEvents {
  /** Called with the socket that is connected, and its address. All others are closed. */
  readonly onConnect: (socket: Socket, address: string) => void
  /** Called if no address can be connected to, or if the connected socket fails. */
  readonly onError: (cause: unknown) => void
  /** Called once, when all sockets are closed. */
  readonly onClose: () => void
}

// RFC 8305 §8
const nextAfterMillis = 250

export class Attempts {
  private readonly left: Array<string>
  private readonly open = new Set<Socket>()
  private connected: Socket | undefined
  private firstCause: unknown
  private timer: NodeJS.Timeout | undefined
  private isDestroyed = false

  constructor(
    addresses: ReadonlyArray<string>,
    /** Makes a socket that connects to this address. */
    private readonly make: (address: string) => Socket,
    private readonly events: AttemptEvents
  ) {
    this.left = interleaved(addresses)
    this.next()
  }

  destroy(): void {
    this.isDestroyed = true
    clearTimeout(this.timer)
    for (const socket of this.open) {
      socket.destroy()
    }
  }

  private next(): void {
    clearTimeout(this.timer)
    const address = this.left.shift()
    if (address === undefined || this.isDestroyed) {
      return
    }
    const socket = this.make(address)
    this.open.add(socket)
    socket.once("connect", () => this.connect(socket, address))
    socket.on("error", (cause) => this.fail(socket, cause))
    socket.once("close", () => {
      this.open.delete(socket)
      if (this.open.size === 0 && (this.connected !== undefined || this.isDestroyed)) {
        this.events.onClose()
      }
    })
    if (this.left.length > 0) {
      // Real time, because it measures the network. The timer of the connection limits the whole wait. Ends with the attempts.
      this.timer = setTimeout(() => this.next(), nextAfterMillis)
    }
  }

  private connect(socket: Socket, address: string): void {
    if (this.connected !== undefined || this.isDestroyed) {
      return
    }
    this.connected = socket
    clearTimeout(this.timer)
    for (const other of this.open) {
      if (other !== socket) {
        other.destroy()
      }
    }
    this.events.onConnect(socket, address)
  }

  private fail(socket: Socket, cause: unknown): void {
    if (this.connected !== undefined || this.isDestroyed) {
      if (this.connected === socket) {
        this.events.onError(cause)
      }
      return
    }
    this.firstCause ??= cause
    if (this.left.length > 0) {
      this.next()
    } else if ([...this.open].every((other) => other === socket || other.errored !== null)) {
      this.events.onError(this.firstCause)
    }
  }
}

/** Alternates the two families, beginning with the family of the first address. */
const interleaved = (addresses: ReadonlyArray<string>): Array<string> => {
  const isFirst = (address: string): boolean => isIPv6(address) === isIPv6(addresses[0] ?? "")
  const first = addresses.filter(isFirst)
  const others = addresses.filter((address) => !isFirst(address))
  return first
    .flatMap((address, index) => [address, ...others.slice(index, index + 1)])
    .concat(others.slice(first.length))
}
