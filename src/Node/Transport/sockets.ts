/**
 * Connections with `node:net` and `node:tls`. They receive into a buffer of the caller (`onread`), without a stream and without an
 * allocation for each read.
 *
 * @internal
 */
import { connect as connectPlain, isIP, type Socket } from "node:net"
import { connect as connectTls, type TLSSocket } from "node:tls"
import { resolve } from "./addresses.js"
import { Attempts } from "./happyEyeballs.js"
import { EndWatch } from "./http1/endWatch.js"
import { closedByPeer } from "./http1/failure.js"

export interface Target {
  readonly isTls: boolean
  /** Without brackets. */
  readonly hostname: string
  readonly port: number
}

export interface WireEvents {
  readonly onConnect: () => void
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
  /** True if no `onData` follows a pause. TLS still delivers bytes that it has decrypted. */
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

// TCP keep-alive detects a peer that no longer exists.
const probeAfterMillis = 60_000

export const sockets = (options: {
  /** Refuses hosts with an address that is not public. */
  readonly publicOnly?: boolean | undefined
  /** Trusted certificates. Default: those that Node trusts. */
  readonly ca?: string | undefined
}): Connect => {
  const sessions = new Map<string, Buffer>()

  const plain = (target: Target, address: string, events: WireEvents): Socket =>
    connectPlain({ ...common(target, address, events) })

  const secure = (target: Target, address: string, events: WireEvents): TLSSocket => {
    const key = `${target.hostname}:${target.port}`
    const session = sessions.get(key)
    const socket = connectTls({
      ...common(target, address, events),
      ...(options.ca === undefined ? {} : { ca: options.ca }),
      ALPNProtocols: ["http/1.1"],
      // An address is not a server name (RFC 6066 §3).
      servername: isIP(target.hostname) === 0 ? target.hostname : "",
      ...(session === undefined ? {} : { session })
    })
    socket.on("session", (made: Buffer) => {
      sessions.delete(key)
      sessions.set(key, made)
      for (const oldest of sessions.keys()) {
        if (sessions.size <= sessionsAtMost) {
          break
        }
        sessions.delete(oldest)
      }
    })
    return socket
  }

  return (target, events) => {
    let attempts: Attempts | undefined
    let socket: Socket | undefined
    let end: EndWatch | undefined
    let isDestroyed = false
    const make = (address: string): Socket => {
      const onData = (bytes: number): boolean => {
        const isMore = events.onData(bytes)
        return end === undefined ? isMore : end.pause(isMore)
      }
      const made = target.isTls ? secure(target, address, { ...events, onData }) : plain(target, address, events)
      return made.setNoDelay(true).setKeepAlive(true, probeAfterMillis)
    }
    const onConnect = (connected: Socket): void => {
      socket = connected
      connected.on("end", () => {
        if (isEndedByPeer(connected)) {
          events.onEnd(end?.isAnnounced() ?? true)
        } else {
          events.onError(closedByPeer)
        }
      })
      if (target.isTls) {
        connected.once("secureConnect", events.onConnect)
      } else {
        events.onConnect()
      }
    }
    resolve(target.hostname, options.publicOnly === true, (cause, addresses) => {
      if (isDestroyed) {
        return
      }
      if (cause === undefined) {
        attempts = new Attempts(addresses, make, { onConnect, onError: events.onError, onClose: events.onClose })
      } else {
        process.nextTick(() => events.onError(cause))
      }
    })
    return {
      stopsAtOnce: !target.isTls,
      write: (head, body) => {
        socket?.write(head, "latin1")
        if (body !== undefined) {
          socket?.write(body)
        }
      },
      resume: () => {
        if (end === undefined) {
          socket?.resume()
        } else {
          end.resume()
        }
      },
      watchEnd: () => {
        if (target.isTls && socket !== undefined) {
          end ??= new EndWatch(socket)
        }
      },
      destroy: () => {
        if (isDestroyed) {
          return
        }
        isDestroyed = true
        if (attempts === undefined) {
          // The result of a pending look-up is ignored.
          setImmediate(events.onClose)
        } else {
          attempts.destroy()
        }
      },
      ref: (isReferenced) => {
        if (isReferenced) {
          socket?.ref()
        } else {
          socket?.unref()
        }
      }
    }
  }
}

const sessionsAtMost = 100

const common = (target: Target, address: string, events: WireEvents) => ({
  host: address,
  port: target.port,
  onread: {
    buffer: events.nextBuffer,
    callback: events.onData
  }
})

/**
 * Whether the server ended the socket with FIN. A reset that arrives with the last bytes ends the stream in the same way, without
 * an error, but then the system has no peer address for the socket. Node caches the address when it is read, so it must not be
 * read earlier.
 */
const isEndedByPeer = (socket: Socket): boolean => socket.remoteAddress !== undefined
