/**
 * TLS of the transport: the options of its connections, and the sessions that later connections resume.
 */
import { type ConnectionOptions, connect, createSecureContext, type SecureContext, type TLSSocket } from "node:tls"
import { isIP } from "../ipAddress.js"
import { type Environment, systemTrust } from "./trust.js"

export interface TlsOptions {
  /** Trusted certificates. Default: those that Node trusts, and those of `environment`. */
  readonly ca?: ReadonlyArray<string> | undefined
  /** If given, certificates of the system are trusted as well. */
  readonly environment?: Environment | undefined
  /** Accepts any certificate of an origin. */
  readonly isInsecure?: boolean | undefined
  /** The certificate of the client, for one origin. */
  readonly client?:
    | {
        readonly cert: string
        readonly key: string
        readonly passphrase: string | undefined
        /** As `URL.origin` writes it. */
        readonly origin: string
      }
    | undefined
}

interface Host {
  readonly hostname: string
  readonly port: number
}

const sessionsAtMost = 100

/** Makes TLS connections. */
export class Secure {
  /** Why some certificates are not trusted. Known after the first connection. */
  problem: string | undefined
  private readonly sessions = new Map<string, Buffer>()
  private context: SecureContext | undefined
  private clientContext: SecureContext | undefined
  private trusted: { readonly ca?: ReadonlyArray<string> } | undefined

  constructor(private readonly options: TlsOptions) {}

  /** Connects with TLS to a host, by the given options: an address, or a socket. */
  connect(host: Host, isProxy: boolean, by: ConnectionOptions): TLSSocket {
    const key = `${isProxy ? "proxy " : ""}${host.hostname}:${host.port}`
    const session = this.sessions.get(key)
    const socket = connect({
      ...by,
      secureContext: this.contextFor(host, isProxy),
      ...(this.options.isInsecure === true && !isProxy ? { rejectUnauthorized: false } : {}),
      ALPNProtocols: ["http/1.1"],
      // An address is not a server name (RFC 6066 §3).
      servername: isIP(host.hostname) === 0 ? host.hostname : "",
      ...(session === undefined ? {} : { session })
    })
    socket.on("session", (made: Buffer) => this.keep(key, made))
    return socket
  }

  // To read the certificates takes tens of milliseconds, so it is done once, and only for TLS.
  private contextFor({ hostname, port }: Host, isProxy: boolean): SecureContext {
    this.trusted ??= this.trust()
    const { client } = this.options
    if (!isProxy && client !== undefined && client.origin === originOf(hostname, port)) {
      const { cert, key, passphrase } = client
      this.clientContext ??= createSecureContext({ ...mutable(this.trusted), cert, key, passphrase })
      return this.clientContext
    }
    this.context ??= createSecureContext(mutable(this.trusted))
    return this.context
  }

  private trust(): { readonly ca?: ReadonlyArray<string> } {
    const { ca, environment } = this.options
    if (ca !== undefined || environment === undefined) {
      return ca === undefined ? {} : { ca }
    }
    const trust = systemTrust(environment)
    this.problem = trust.problem
    return trust.ca === undefined ? {} : { ca: trust.ca }
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

const mutable = ({ ca }: { readonly ca?: ReadonlyArray<string> }): { ca?: Array<string> } =>
  ca === undefined ? {} : { ca: [...ca] }

const originOf = (hostname: string, port: number): string =>
  new URL(`https://${isIP(hostname) === 6 ? `[${hostname}]` : hostname}:${port}`).origin
