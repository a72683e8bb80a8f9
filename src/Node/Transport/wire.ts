/**
 * What the fast lane asks of a connection, and the real ones: `node:net` and `node:tls`, which receive into a buffer of
 * ours (`onread`), so that no stream and no allocation stands between the system and the parser.
 *
 * @internal
 */
import { connect as connectPlain, isIP, type LookupFunction, type Socket } from "node:net"
import { connect as connectTls } from "node:tls"

export interface Target {
  readonly isTls: boolean
  /** Without brackets. */
  readonly hostname: string
  readonly port: number
}

export interface WireEvents {
  readonly onConnect: () => void
  /** Where to receive; asked for when an address is tried, and after each `onData`. */
  readonly nextBuffer: () => Uint8Array
  /** So many bytes are in the present buffer; false pauses. */
  readonly onData: (bytes: number) => boolean
  readonly onEnd: () => void
  readonly onError: (cause: unknown) => void
  /** Once, after everything else. */
  readonly onClose: () => void
}

export interface Wire {
  /** Whether nothing comes after a pause. TLS goes on with what it has decrypted. */
  readonly stopsAtOnce: boolean
  readonly write: (latin1: string) => void
  readonly resume: () => void
  readonly destroy: () => void
  /** Whether it keeps the process alive. */
  readonly hold: (isHeld: boolean) => void
}

export type Connect = (target: Target, events: WireEvents) => Wire

// As undici does it: a peer that is gone is noticed in the end.
const probeAfterMillis = 60_000

export const sockets = (options: {
  readonly lookup: LookupFunction | undefined
  /** Certificates that are trusted in place of those that node trusts. */
  readonly ca?: string | undefined
}): Connect => {
  const sessions = new Map<string, Buffer>()
  return (target, events) => {
    const common = {
      host: target.hostname,
      port: target.port,
      autoSelectFamily: true,
      ...(options.lookup === undefined ? {} : { lookup: options.lookup }),
      onread: {
        buffer: events.nextBuffer,
        callback: events.onData
      }
    }
    let socket: Socket
    if (target.isTls) {
      const key = `${target.hostname}:${target.port}`
      const session = sessions.get(key)
      const secure = connectTls({
        ...common,
        ...(options.ca === undefined ? {} : { ca: options.ca }),
        ALPNProtocols: ["http/1.1"],
        // An address is no server name (RFC 6066 §3).
        servername: isIP(target.hostname) === 0 ? target.hostname : "",
        ...(session === undefined ? {} : { session })
      })
      secure.on("session", (made: Buffer) => {
        sessions.delete(key)
        sessions.set(key, made)
        for (const oldest of sessions.keys()) {
          if (sessions.size <= sessionsAtMost) {
            break
          }
          sessions.delete(oldest)
        }
      })
      secure.once("secureConnect", events.onConnect)
      socket = secure
    } else {
      socket = connectPlain(common)
      socket.once("connect", events.onConnect)
    }
    socket.setNoDelay(true).setKeepAlive(true, probeAfterMillis)
    socket.on("end", events.onEnd).on("error", events.onError).once("close", events.onClose)
    return {
      stopsAtOnce: !target.isTls,
      write: (latin1) => {
        socket.write(latin1, "latin1")
      },
      resume: () => {
        socket.resume()
      },
      destroy: () => {
        socket.destroy()
      },
      hold: (isHeld) => {
        if (isHeld) {
          socket.ref()
        } else {
          socket.unref()
        }
      }
    }
  }
}

const sessionsAtMost = 100
