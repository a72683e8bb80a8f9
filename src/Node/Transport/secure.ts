/**
 * TLS of the transport: the options of its connections, and the sessions that later connections resume.
 *
 * @internal
 */
import { isIP } from "node:net"
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls"

export interface TlsOptions {
  /** Trusted certificates. Default: those that Node trusts. */
  readonly ca?: string | undefined
}

const sessionsAtMost = 100

/** Makes TLS connections. */
export class Secure {
  private readonly sessions = new Map<string, Buffer>()

  constructor(private readonly options: TlsOptions) {}

  /** Connects with TLS to a host, by the given options: an address, or a socket. */
  connect(target: { readonly hostname: string; readonly port: number }, by: ConnectionOptions): TLSSocket {
    const key = `${target.hostname}:${target.port}`
    const session = this.sessions.get(key)
    const socket = connect({
      ...by,
      ...(this.options.ca === undefined ? {} : { ca: this.options.ca }),
      ALPNProtocols: ["http/1.1"],
      // An address is not a server name (RFC 6066 §3).
      servername: isIP(target.hostname) === 0 ? target.hostname : "",
      ...(session === undefined ? {} : { session })
    })
    socket.on("session", (made: Buffer) => this.keep(key, made))
    return socket
  }

  private keep(key: string, session: Buffer): void {
    this.sessions.delete(key)
    this.sessions.set(key, session)
    for (const oldest of this.sessions.keys()) {
      if (this.sessions.size <= sessionsAtMost) {
        return
      }
      this.sessions.delete(oldest)
    }
  }
}
