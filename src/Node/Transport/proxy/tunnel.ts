/**
 * Opens a tunnel through a proxy on a connected socket: by CONNECT (RFC 9110 §9.3.6), or by SOCKS 5.
 *
 * @internal
 */
import type { Socket } from "node:net"
import { reasonPhrase } from "../../../internal/http/reasonPhrase.js"
import * as Printable from "../../../internal/text/printable.js"
import { type Resolution, resolve } from "../addresses.js"
import { informationalAtMost, ProxyError, unauthenticated } from "../failure.js"
import { PartialHead } from "../http1/response/partialHead.js"
import * as Head from "../http1/response/responseHead.js"
import { authority, isSocks, type ProxyServer } from "./proxies.js"

interface Destination {
  readonly hostname: string
  readonly port: number
}

/**
 * Opens a tunnel to `target`, and calls `done` once, with the cause of a failure. Afterwards the socket is paused. If only public
 * addresses are allowed, the proxy is asked for an address that was checked here, and not for the name.
 */
export const openTunnel = (
  socket: Socket,
  server: ProxyServer,
  target: Destination,
  resolution: Resolution,
  done: (cause: unknown) => void
): void => {
  const open = isSocks(server) ? socks : connect
  if (resolution.allows === undefined && server.scheme !== "socks5") {
    open(socket, server, target, done)
    return
  }
  resolve(target, resolution, (cause, [address]) => {
    if (cause !== undefined || address === undefined) {
      done(new OfTarget(cause))
    } else if (!socket.destroyed) {
      open(socket, server, { hostname: address, port: target.port }, done)
    }
  })
}

/** A failure of the target that was found before the proxy was asked. */
export class OfTarget {
  constructor(readonly cause: unknown) {}
}

const connect = (socket: Socket, server: ProxyServer, target: Destination, done: (cause: unknown) => void): void => {
  const host = authority(target.hostname, target.port)
  const authorization = server.authorization === undefined ? "" : `proxy-authorization: ${server.authorization}\r\n`
  const partial = new PartialHead()
  let informational = 0

  const onData = (chunk: Buffer): void => {
    if (!partial.append(chunk, chunk.length)) {
      return
    }
    const head = Head.parse(partial.buffer, partial.sizeBytes)
    if (head === "incomplete") {
      partial.parsed()
    } else if (head instanceof Error) {
      end(new ProxyError(server, "proxy", `its answer to CONNECT could not be understood: ${head.message}`))
    } else if (head.framing !== "interim") {
      end(answered(server, head, partial.sizeBytes - head.endBytes))
    } else if (++informational > informationalAtMost) {
      end(new ProxyError(server, "proxy", "it sent too many informational responses"))
    } else {
      const rest = Buffer.from(partial.buffer.subarray(head.endBytes, partial.sizeBytes))
      partial.clear()
      if (rest.length > 0) {
        onData(rest)
      }
    }
  }
  const onClose = (): void => end(new ProxyError(server, "proxy", "it closed the connection without an answer"))
  const end = (cause: unknown): void => {
    socket.off("data", onData).off("end", onClose).off("close", onClose).pause()
    done(cause)
  }
  socket.on("data", onData).on("end", onClose).on("close", onClose)
  socket.write(`CONNECT ${host} HTTP/1.1\r\nhost: ${host}\r\nuser-agent: halyard\r\n${authorization}\r\n`, "latin1")
}

/** Returns why the answer opens no tunnel, or undefined. The rest of an answer that refuses is not read. */
const answered = (server: ProxyServer, head: Head.Head, moreBytes: number): ProxyError | undefined => {
  // tinyproxy answers 401 to a wrong password.
  if (head.status === 407 || head.status === 401) {
    return unauthenticated(server, head.headers["proxy-authenticate"])
  }
  if (head.status >= 300) {
    const phrase = reasonPhrase(head.status)
    const isTransient = head.status >= 500 || head.status === 408 || head.status === 429
    const status = `${head.status}${phrase === undefined ? "" : ` ${phrase}`}`
    return new ProxyError(server, isTransient ? "proxy" : "proxy-refused", `it answered ${status} to CONNECT`)
  }
  // Bytes after the head are from the origin, which speaks first neither in TLS nor in HTTP.
  return moreBytes > 0 ? new ProxyError(server, "proxy", "bytes follow its answer to CONNECT") : undefined
}

// The library keeps its timer, without a reference, until this time is over. The connection has its own time limit.
const socksMillis = 120_000

const socks = (socket: Socket, server: ProxyServer, target: Destination, done: (cause: unknown) => void): void => {
  const { hostname, port, user } = server
  import("socks").then(
    ({ SocksClient }) => {
      if (socket.destroyed) {
        return
      }
      const onDone = (cause: Error | null): void => {
        socket.pause()
        done(cause === null ? undefined : socksFailure(server, cause.message))
      }
      const credentials = user === undefined ? {} : { userId: user.name, password: user.password }
      void SocksClient.createConnection(
        {
          command: "connect",
          proxy: { host: hostname, port, type: 5, ...credentials },
          destination: { host: target.hostname, port: target.port },
          existing_socket: socket,
          timeout: socksMillis
        },
        onDone
      )
    },
    (cause: unknown) => done(cause)
  )
}

/** The library's error has the password, so only its message is used. */
const socksFailure = (server: ProxyServer, message: string): ProxyError =>
  /auth/i.test(message)
    ? unauthenticated(server, undefined)
    : new ProxyError(
        server,
        /NotAllowed|NotSupported/i.test(message) ? "proxy-refused" : "proxy",
        Printable.excerpt(message)
      )
