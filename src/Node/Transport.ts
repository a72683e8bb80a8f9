/**
 * The transport of Node: HTTP/1.1 directly on sockets.
 *
 * It accepts every response that RFC 9112 allows, and fails with `Protocol` if a response is ambiguous. A request is sent once,
 * with one exception: if a kept connection breaks before the first byte of a response, or answers 408, the request is sent once
 * more on a new connection. A connection is reused after its response was read to the end. All connections are closed with the
 * layer.
 *
 * @since 0.2.0
 */

import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Transport } from "../Transport.js"
import { isIP, isIPv4 } from "./ipAddress.js"
import * as Proxy from "./Proxy.js"
import type { Tls } from "./Tls.js"
import { type AddressPolicy, isPublic } from "./Transport/addresses.js"
import * as Client from "./Transport/http1/client.js"
import { depthAtMost } from "./Transport/http1/pipelineDepth.js"
import type { Proxies } from "./Transport/proxy/proxies.js"
import { sockets } from "./Transport/sockets.js"

export { isPublic }

/**
 * The options of the transport.
 *
 * @category models
 * @since 0.2.0
 */
export interface Options {
  /** Maximum time for a connection, TLS included, unless the request has its own `connectMillis`. Default: 10 seconds. */
  readonly connectTimeout?: Duration.DurationInput | undefined
  /**
   * If true, connects to public addresses only. Loopback, link-local, private and other special addresses (IANA special-purpose
   * registries) are refused. For services whose users choose the URLs. Default: false.
   */
  readonly publicOnly?: boolean | undefined
  /**
   * Returns whether connections to this address of this host are allowed. A host is refused with `AddressRefused` if one of its
   * addresses is not allowed. The check and the connection use the same addresses, so a name that changes its addresses in between
   * (DNS rebinding) does not get around it. With `publicOnly`, an address must also be public. Default: all addresses are allowed.
   */
  readonly allowAddress?: ((address: string, hostname: string) => boolean) | undefined
  /** Connects to addresses of one family only. Default: both. */
  readonly family?: "ipv4" | "ipv6" | undefined
  /**
   * The addresses of this machine from which connections are made: one, or one of each family. If none is of a family, no address of
   * that family is connected to. Default: the system chooses.
   */
  readonly localAddress?: string | ReadonlyArray<string> | undefined
  /**
   * The addresses of some hosts, which are then not looked up: `{ "files.example:443": ["192.0.2.1"] }`. A host of `*` stands for every
   * host. Names that a proxy resolves are not looked up here.
   */
  readonly resolve?: Readonly<Record<string, ReadonlyArray<string>>> | undefined
  /**
   * The proxies, made by `Proxy.make` or `Proxy.fromEnvironment`. Default: none; the environment is not read. With `publicOnly` or `allowAddress`, the
   * addresses of origins are checked before the proxy is used, and every proxy is used as a tunnel to a checked address.
   */
  readonly proxy?: Proxies | undefined
  /**
   * The maximum number of requests that are sent together on a connection before the first of them is answered (pipelining, RFC
   * 9112 §9.3.2), from 1 to 32. Only requests with `mayPipeline` are sent together, without a proxy, and to origins whose responses
   * were small and flawless until then. Responses out of step are not used. Dies with a `RangeError` if it is out of range. Default: 1.
   */
  readonly pipeline?: number | undefined
  /** Trusted certificates and a certificate of the client, made by `Tls.make` or `Tls.fromFiles`. Default: what Node trusts. */
  readonly tls?: Tls | undefined
}

/**
 * A transport on sockets. Closing the layer closes all connections.
 *
 * @category layers
 * @since 0.2.0
 */
export const layer = (options: Options = {}): Layer.Layer<Transport> => {
  const allows = policyOf(options)
  const { localAddress = [] } = options
  const localAddresses = typeof localAddress === "string" ? [localAddress] : localAddress
  return Layer.scoped(
    Transport,
    Effect.map(
      Effect.acquireRelease(
        Effect.map(Proxy.variables, (variables) =>
          Client.make({
            connectMillis: Duration.toMillis(options.connectTimeout ?? "10 seconds"),
            pipeline: pipelineOf(options),
            proxies: options.proxy,
            checksAddresses: allows !== undefined,
            connect: sockets({
              allows,
              family: options.family ?? familyOf(localAddresses),
              localAddresses,
              addresses: options.resolve && new Map(Object.entries(options.resolve)),
              tls: options.tls,
              unusedProxy: unusedProxy(variables[0], options.proxy !== undefined)
            })
          })
        ),
        ({ close }) => close
      ),
      ({ send }) => Transport.of({ send })
    )
  )
}

const pipelineOf = ({ pipeline = 1 }: Options): number => {
  if (!Number.isInteger(pipeline) || pipeline < 1 || pipeline > depthAtMost) {
    throw new RangeError(`pipeline must be a whole number from 1 to ${depthAtMost}, not ${pipeline}`)
  }
  return pipeline
}

/** The one family of the addresses, if they are of one. */
const familyOf = (addresses: ReadonlyArray<string>): "ipv4" | "ipv6" | undefined =>
  addresses.length === 0 || new Set(addresses.map(isIP)).size > 1
    ? undefined
    : addresses.every(isIPv4)
      ? "ipv4"
      : "ipv6"

const unusedProxy = (variable: string | undefined, hasProxies: boolean): string | undefined =>
  variable === undefined
    ? undefined
    : `${variable} is set, but ${hasProxies ? "no proxy is used for this host" : "this transport uses no proxy"}`

const policyOf = ({ allowAddress, publicOnly }: Options): AddressPolicy | undefined => {
  if (publicOnly !== true) {
    return allowAddress
  }
  return allowAddress === undefined
    ? isPublic
    : (address, hostname) => isPublic(address) && allowAddress(address, hostname)
}
