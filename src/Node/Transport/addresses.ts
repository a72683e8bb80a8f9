/**
 * The addresses of a host, and which addresses are public.
 *
 * @internal
 */
import dns from "node:dns"
import { BlockList } from "node:net"
import { isIP, isIPv4 } from "../ipAddress.js"

/** Whether connections to an address of a host are allowed. */
export type AddressPolicy = (address: string, hostname: string) => boolean

/** How the addresses of a host are found. */
export interface Resolution {
  /** Refuses hosts with an address that is not public. */
  readonly allows?: AddressPolicy | undefined
  /** Uses addresses of one family only. */
  readonly family?: "ipv4" | "ipv6" | undefined
  /** The addresses of some hosts. A key is `host:port`, without brackets, or `*:port`. */
  readonly addresses?: ReadonlyMap<string, ReadonlyArray<string>> | undefined
}

/** The cause of a connection to a host that has no address of the family. */
export class WrongFamily extends Error {
  constructor(family: "ipv4" | "ipv6") {
    super(`the host has no ${family === "ipv4" ? "IPv4" : "IPv6"} address, and no other is used`)
  }
}

/** The cause of a connection that was not made because an address is not allowed. */
export class RefusedAddress extends Error {
  constructor(readonly address: string) {
    super("the address is not allowed")
  }
}

// The IANA registries of special-purpose addresses, except for addresses that are globally reachable.
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
// Addresses that embed an IPv4 address (mapped, NAT64) or have a zone are outside of it.
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

/**
 * True if the text is a globally reachable IP address. False for everything else: names, brackets, zones, and addresses in
 * another form than four decimal numbers or RFC 4291 §2.2.
 */
export const isPublic = (address: string): boolean => {
  if (isIPv4(address)) {
    return !special.check(address, "ipv4")
  }
  return (
    isIP(address) === 6 &&
    !address.includes("%") &&
    globalUnicast.check(address, "ipv6") &&
    !special.check(address, "ipv6")
  )
}

/**
 * Finds the addresses of a host. If the host is an address, the result is that address. Fails with `RefusedAddress` if one of the
 * addresses is not allowed, and with `WrongFamily` if none is of the family.
 */
export const resolve = (
  { hostname, port }: { readonly hostname: string; readonly port: number },
  { addresses, allows, family }: Resolution,
  callback: (cause: unknown, addresses: ReadonlyArray<string>) => void
): void => {
  const answer = (found: ReadonlyArray<string>): void => {
    let refused: string | undefined
    try {
      refused = allows === undefined ? undefined : found.find((address) => !allows(address, hostname))
    } catch (cause) {
      // A policy that throws allows nothing, and does not end the process.
      callback(cause, [])
      return
    }
    const usable = family === undefined ? found : found.filter((address) => isIPv4(address) === (family === "ipv4"))
    if (refused !== undefined) {
      callback(new RefusedAddress(refused), [])
    } else if (family !== undefined && usable.length === 0) {
      callback(new WrongFamily(family), [])
    } else {
      callback(undefined, usable)
    }
  }
  const given = addresses?.get(`${hostname}:${port}`) ?? addresses?.get(`*:${port}`)
  if (given !== undefined) {
    answer(given)
    return
  }
  if (isIP(hostname) !== 0) {
    answer([hostname])
    return
  }
  dns.lookup(hostname, { all: true }, (cause, found) => {
    if (cause === null) {
      answer(found.map(({ address }) => address))
    } else {
      callback(cause, [])
    }
  })
}
