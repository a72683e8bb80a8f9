/**
 * The origins that are connected to directly: the list of `no_proxy`.
 *
 * Entries are separated by commas or white space. `*` matches every origin. `example.com`, `.example.com` and `*.example.com` match
 * the host and its subdomains. An IP address matches itself, and `10.0.0.0/8` matches a network. Each of them may end with a port,
 * except for a network.
 *
 * @internal
 */
import { BlockList } from "node:net"
import { isIP } from "../../ipAddress.js"

export interface NoProxy {
  readonly matches: (hostname: string, port: number) => boolean
  /** The first entry that can match nothing, such as a network with a wrong prefix. */
  readonly invalid: string | undefined
}

interface Entry {
  readonly port: number | undefined
  readonly matches: (hostname: string) => boolean
}

export const parse = (list: string): NoProxy => {
  const texts = list.split(/[\s,]+/).filter((text) => text !== "")
  const entries = texts.map(entryOf)
  return {
    matches: (hostname, port) => {
      const host = nameOf(hostname)
      return entries.some((entry) => entry !== undefined && (entry.port ?? port) === port && entry.matches(host))
    },
    invalid: texts.find((_, index) => entries[index] === undefined)
  }
}

const nameOf = (hostname: string): string => hostname.toLowerCase().replace(/\.$/, "")

const entryOf = (text: string): Entry | undefined => {
  if (text === "*") {
    return { port: undefined, matches: () => true }
  }
  if (text.includes("/")) {
    const [address = "", prefix = "", ...more] = text.replace(/^\[|\]/g, "").split("/")
    const family = isIP(address)
    const isNetwork = more.length === 0 && /^\d{1,3}$/.test(prefix) && Number(prefix) <= (family === 6 ? 128 : 32)
    return family === 0 || !isNetwork ? undefined : { port: undefined, matches: network(address, Number(prefix)) }
  }
  const [, bracketed, plain = "", port] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d{1,5}))?$/.exec(text) ?? []
  const host = isIP(text) === 6 ? text : (bracketed ?? plain)
  if (host === "" || (bracketed !== undefined && isIP(bracketed) !== 6)) {
    return undefined
  }
  const family = isIP(host)
  return {
    port: port === undefined ? undefined : Number(port),
    matches: family === 0 ? suffix(host) : network(host, family === 6 ? 128 : 32)
  }
}

const network = (address: string, prefix: number): Entry["matches"] => {
  const list = new BlockList()
  const kind = isIP(address) === 6 ? "ipv6" : "ipv4"
  list.addSubnet(address, prefix, kind)
  return (hostname) => {
    const family = isIP(hostname)
    return family !== 0 && list.check(hostname, family === 6 ? "ipv6" : "ipv4")
  }
}

const suffix = (text: string): Entry["matches"] => {
  const name = nameOf(text.replace(/^\*?\./, ""))
  return (hostname) => hostname === name || hostname.endsWith(`.${name}`)
}
