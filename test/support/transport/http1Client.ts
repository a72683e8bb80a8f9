/**
 * The HTTP/1.1 client of `Node/Transport`, with a certificate or with connections of the test.
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type * as Scope from "effect/Scope"
import { ConnectionLimit } from "../../../src/Node/descriptors.js"
import * as Proxy from "../../../src/Node/Proxy.js"
import type * as Tls from "../../../src/Node/Tls.js"
import { isPublic } from "../../../src/Node/Transport/addresses.js"
import * as Client from "../../../src/Node/Transport/http1/client.js"
import { type Connect, sockets } from "../../../src/Node/Transport/sockets.js"

export const http1Client = (
  options: {
    readonly ca?: string
    readonly connect?: Connect
    readonly connectMillis?: number
    readonly limit?: ConnectionLimit
    readonly proxy?: Proxy.Options
    readonly publicOnly?: boolean
    readonly tls?: Tls.Tls | undefined
    readonly unusedProxy?: string
    readonly family?: "ipv4" | "ipv6"
    readonly addresses?: ReadonlyMap<string, ReadonlyArray<string>>
  } = {}
): Effect.Effect<Client.Client, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() =>
      Client.make({
        connectMillis: options.connectMillis ?? 10_000,
        connect:
          options.connect ??
          sockets({
            ...options,
            allows: options.publicOnly === true ? isPublic : undefined,
            tls: options.tls ?? (options.ca === undefined ? undefined : { ca: [options.ca] })
          }),
        limit: options.limit,
        proxies: options.proxy && Either.getOrThrow(Proxy.make(options.proxy)),
        checksAddresses: options.publicOnly
      })
    ),
    ({ close }) => close
  )

/** A limit of the test's own, because other tests use the limit of the process. */
export const connectionLimit = (): ConnectionLimit => new ConnectionLimit(() => ({ all: 1000, open: 24 }))
