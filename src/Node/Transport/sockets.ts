/**
 * Connections with `node:net` and `node:tls`, directly and through proxies. Without a tunnel they receive into a buffer of the caller
 * (`onread`), without a stream and without an allocation for each read.
 *
 * @internal
 */
import { connect, type Socket } from "node:net"
import type { ConnectionInfo } from "../../Transport.js"
import { isIP, isIPv4, isIPv6 } from "../ipAddress.js"
import { type Resolution, resolve, WrongFamily } from "./addresses.js"
import { EndWatch } from "./endWatch.js"
import { AtProxy, closedByPeer, Noted, ProxyError } from "./failure.js"
import { Attempts } from "./happyEyeballs.js"
import type { ProxyServer, Via } from "./proxy/proxies.js"
import { Pump } from "./proxy/pump.js"
import { OfTarget, openTunnel } from "./proxy/tunnel.js"
import { Secure, type TlsOptions } from "./secure.js"

export interface Target {
  readonly isTls: boolean
  /** Without brackets. */
  readonly hostname: string
  readonly port: number
  /** Without a tunnel, the target is the proxy. */
  readonly proxy?: Via | undefined
}

/** The address of a new connection, and how long it took to make it. */
export type NewConnection = Pick<ConnectionInfo, "remoteAddress" | "lookupMillis" | "connectMillis" | "tlsMillis">

export interface WireEvents {
  readonly onConnect: (connection: NewConnection) => void
  /** The buffer for the next read. Called when an address is tried, and after each `onData`. */
  readonly nextBuffer: () => Uint8Array
  /** So many bytes were received into the current buffer. False pauses. */
  readonly onData: (bytes: number) => boolean
  /** Called when the server has ended the connection. `isAnnounced` is false if `close_notify` was missing on TLS, as far as this can be detected. */
  readonly onEnd: (isAnnounced: boolean) => void
  readonly onError: (cause: unknown) => void
  /** Called once, after all other events. */
  readonly onClose: () => void
}

export interface Wire {
  /** True if no `onData` follows a pause. TLS and tunnels still deliver bytes that they have received. */
  readonly stopsAtOnce: boolean
  /** Writes the head of a request, whose characters are bytes, and its body. */
  readonly write: (head: string, body: Uint8Array | undefined) => void
  readonly resume: () => void
  /** From now on `onEnd` reports whether the end was announced. Before, it reports every end as announced. */
  readonly watchEnd: () => void
  readonly destroy: () => void
  /** Whether the connection keeps the process alive. */
  readonly ref: (isReferenced: boolean) => void
}

/** Makes a connection. No event comes before this has returned. */
export type Connect = (target: Target, events: WireEvents) => Wire

/** `allows` holds for origins, and not for proxies. */
export interface SocketOptions extends Resolution {
  /** The addresses of this machine from which connections are made. If there are none, the system chooses. */
  readonly localAddresses?: ReadonlyArray<string> | undefined
  /** Default: the certificates that Node trusts. */
  readonly tls?: TlsOptions | undefined
  /** What the error of a name that cannot be resolved says about proxies that are not used. */
  readonly unusedProxy?: string | undefined
}

// TCP keep-alive detects a peer that no longer exists.
const probeAfterMillis = 60_000

export const sockets = (options: SocketOptions): Connect => {
  const secure = new Secure(options.tls ?? {})
  return (target, events) => new SocketWire(options, secure, target, events)
}

class SocketWire implements Wire {
  readonly stopsAtOnce: boolean
  private attempts: Attempts | undefined
  // Of a tunnel, which has no `onread`.
  private pumped: Pump | undefined
  // The socket of the requests. In a tunnel with TLS, it is above the socket of an attempt.
  private socket: Socket | undefined
  private end: EndWatch | undefined
  // False while an error is an error of the proxy.
  private isThroughProxy = false
  // Real time, because it measures the network.
  private readonly beganAt = performance.now()
  private lookedUpAt = this.beganAt
  private tlsAt: number | undefined
  private remoteAddress: string | undefined
  private isDestroyed = false

  constructor(
    private readonly options: SocketOptions,
    private readonly secure: Secure,
    private readonly target: Target,
    private readonly events: WireEvents
  ) {
    const { proxy } = target
    this.stopsAtOnce = !target.isTls && proxy?.isTunnel !== true
    // The addresses of proxies need not be public.
    const resolution = proxy === undefined ? options : { ...options, allows: undefined }
    resolve(proxy?.server ?? target, resolution, (cause, addresses) => {
      if (this.isDestroyed) {
        return
      }
      this.lookedUpAt = performance.now()
      const usable = this.withLocalAddress(addresses)
      if (cause === undefined && usable.length === 0) {
        process.nextTick(() => this.fail(new WrongFamily(addresses.every(isIPv4) ? "ipv6" : "ipv4")))
      } else if (cause !== undefined) {
        const noted = options.unusedProxy === undefined ? cause : new Noted(cause, options.unusedProxy)
        process.nextTick(() => this.fail(proxy === undefined ? noted : cause))
      } else {
        this.attempts = new Attempts(usable, (address) => this.make(address), {
          onConnect: (socket, address) => this.connected(socket, address),
          onError: (failure) => this.fail(failure),
          onClose: events.onClose
        })
      }
    })
  }

  write(head: string, body: Uint8Array | undefined): void {
    this.socket?.write(head, "latin1")
    if (body !== undefined) {
      this.socket?.write(body)
    }
  }

  resume(): void {
    const reader = this.end ?? this.pumped ?? this.socket
    reader?.resume()
  }

  watchEnd(): void {
    if (this.target.isTls && this.socket !== undefined) {
      this.end ??= new EndWatch(this.socket, this.pumped ?? this.socket)
    }
  }

  destroy(): void {
    if (this.isDestroyed) {
      return
    }
    this.isDestroyed = true
    this.socket?.destroy()
    if (this.attempts === undefined) {
      // The result of a pending look-up is ignored.
      setImmediate(this.events.onClose)
    } else {
      this.attempts.destroy()
    }
  }

  ref(isReferenced: boolean): void {
    if (isReferenced) {
      this.socket?.ref()
    } else {
      this.socket?.unref()
    }
  }

  /** The addresses to which a connection from the given addresses of this machine can be made. */
  private withLocalAddress(addresses: ReadonlyArray<string>): ReadonlyArray<string> {
    const { localAddresses = [] } = this.options
    return localAddresses.length === 0
      ? addresses
      : addresses.filter((address) => localAddresses.some((local) => isIP(local) === isIP(address)))
  }

  private make(address: string): Socket {
    const { events, target } = this
    const { proxy } = target
    const localAddress = this.options.localAddresses?.find((local) => isIP(local) === isIP(address))
    const port = (proxy?.server ?? target).port
    const to = localAddress === undefined ? { host: address, port } : { host: address, port, localAddress }
    const onread = { buffer: events.nextBuffer, callback: (bytes: number) => this.receive(bytes) }
    // A tunnel receives the answer of the proxy by events.
    const by = proxy?.isTunnel === true ? to : { ...to, onread }
    const isTls = proxy === undefined ? target.isTls : proxy.server.scheme === "https"
    const socket = isTls ? this.secure.connect(proxy?.server ?? target, proxy !== undefined, by) : connect(by)
    return socket.setNoDelay(true).setKeepAlive(true, probeAfterMillis)
  }

  /** Calls `onData`. Returns false if no more bytes should be received now. */
  private receive(bytes: number): boolean {
    const isMore = this.events.onData(bytes)
    return this.end === undefined ? isMore : this.end.pause(isMore)
  }

  private connected(socket: Socket, address: string): void {
    const { proxy } = this.target
    // Not from the socket, see `isEndedByPeer`.
    this.remoteAddress = `${isIPv6(address) ? `[${address}]` : address}:${(proxy?.server ?? this.target).port}`
    const isTls = proxy === undefined ? this.target.isTls : proxy.server.scheme === "https"
    const isTunnel = proxy?.isTunnel === true
    if (!isTunnel) {
      this.use(socket, socket)
    }
    const next = () => (isTunnel ? this.enter(socket, proxy.server) : this.open())
    if (isTls) {
      if (proxy === undefined) {
        this.tlsAt = performance.now()
      }
      socket.once("secureConnect", next)
    } else {
      next()
    }
  }

  /** Opens a tunnel through the proxy. */
  private enter(socket: Socket, server: ProxyServer): void {
    openTunnel(socket, server, this.target, this.options, (cause) => {
      if (this.isDestroyed) {
        return
      }
      if (cause !== undefined) {
        this.fail(cause)
        return
      }
      this.isThroughProxy = true
      if (!this.target.isTls) {
        this.use(socket, socket)
        this.pump(socket)
        this.open()
        return
      }
      this.tlsAt = performance.now()
      // The certificate must have the name of the target. Without `host`, Node would compare it with the name of the proxy.
      const top = this.secure.connect(this.target, false, { socket, host: this.target.hostname })
      top.on("error", (failure) => this.fail(failure))
      this.use(top, socket)
      top.once("secureConnect", () => {
        this.pump(top)
        this.open()
      })
    })
  }

  private open(): void {
    const { beganAt, lookedUpAt, remoteAddress, tlsAt } = this
    const now = performance.now()
    this.isThroughProxy = true
    this.events.onConnect({
      remoteAddress,
      lookupMillis: lookedUpAt - beganAt,
      connectMillis: (tlsAt ?? now) - lookedUpAt,
      tlsMillis: tlsAt === undefined ? undefined : now - tlsAt
    })
  }

  private pump(socket: Socket): void {
    this.pumped = new Pump(socket, this.events.nextBuffer, (bytes) => this.receive(bytes))
  }

  /** Sends requests on `top`, whose bytes go over the connection `bottom`. */
  private use(top: Socket, bottom: Socket): void {
    this.socket = top
    top.on("end", () => {
      if (isEndedByPeer(bottom)) {
        this.events.onEnd(this.end?.isAnnounced() ?? true)
      } else {
        this.events.onError(closedByPeer)
      }
    })
  }

  private fail(cause: unknown): void {
    const { proxy } = this.target
    const { problem } = this.secure
    if (problem !== undefined && /^(?:UNABLE_TO|SELF_SIGNED|DEPTH_ZERO)/.test(codeOf(cause))) {
      this.events.onError(new Noted(cause, problem))
    } else if (cause instanceof OfTarget) {
      this.events.onError(cause.cause)
    } else if (proxy === undefined || this.isThroughProxy || cause instanceof ProxyError) {
      this.events.onError(cause)
    } else {
      this.events.onError(new AtProxy(proxy.server, cause))
    }
  }
}

const codeOf = (cause: unknown): string =>
  typeof cause === "object" && cause !== null && "code" in cause && typeof cause.code === "string" ? cause.code : ""

/**
 * Whether the server ended the socket with FIN. A reset that arrives with the last bytes ends the stream in the same way, without
 * an error, but then the system has no peer address for the socket. Node caches the address when it is read, so it must not be
 * read earlier.
 */
const isEndedByPeer = (socket: Socket): boolean => socket.remoteAddress !== undefined
