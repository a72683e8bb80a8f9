/**
 * Which addresses are public, and a look-up that gives no others.
 *
 * @internal
 */
import { lookup } from "node:dns"
import { BlockList, isIP, isIPv6, type LookupFunction } from "node:net"

/** Why a connection was not made. */
export class RefusedAddress extends Error {
  constructor(readonly address: string) {
    super("the address is not a public one")
  }
}

// The IANA registries of special-purpose addresses, but for what is reachable in the whole internet.
const special = new BlockList()
for (const [network, prefix] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4]
] as const) {
  special.addSubnet(network, prefix, "ipv4")
}
const globalUnicast = new BlockList()
globalUnicast.addSubnet("2000::", 3, "ipv6")
for (const [network, prefix] of [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20]
] as const) {
  special.addSubnet(network, prefix, "ipv6")
}

/** Whether anybody in the internet means the same host by this address. */
export const isPublic = (address: string): boolean => {
  if (!isIPv6(address)) {
    return !special.check(address, "ipv4")
  }
  return globalUnicast.check(address, "ipv6") && !special.check(address, "ipv6")
}

export const publicLookup: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    const refused = addresses?.find(({ address }) => !isPublic(address))
    if (error !== null || refused !== undefined || addresses[0] === undefined) {
      callback(error ?? new RefusedAddress(refused?.address ?? ""), "", 4)
    } else if (options.all === true) {
      callback(null, addresses)
    } else {
      callback(null, addresses[0].address, addresses[0].family)
    }
  })
}

/** The address that a host is, without brackets, where it is one and is not public: it is not looked up. */
export const refusedLiteral = (host: string): string | undefined =>
  isIP(host) !== 0 && !isPublic(host) ? host : undefined
