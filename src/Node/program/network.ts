/**
 * The transport of a command, from the options of its line and from the environment.
 */
import { isIP } from "node:net"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { NetworkOptions } from "../../Cli/Host.js"
import { UsageError } from "../../Cli/UsageError.js"
import * as Printable from "../../internal/text/printable.js"
import * as Hasher from "../hasher.js"
import * as Proxy from "../Proxy.js"
import * as Tls from "../Tls.js"
import * as Transport from "../Transport.js"

export const transport = Effect.fnUntraced(function* (options: NetworkOptions) {
  const { cacert, cert, insecure, key, noProxy, passEnv, proxy, publicOnly } = options
  const proxies = yield* Effect.mapError(
    Proxy.fromEnvironment({ proxy, noProxy }),
    ({ name, rule }) => new UsageError({ message: `${proxyNames[name] ?? `the environment variable ${name}`} ${rule}` })
  )
  if (cert === undefined && (key !== undefined || passEnv !== undefined)) {
    const name = key === undefined ? "--pass-env NAME" : "--key FILE"
    return yield* new UsageError({ message: `${name} needs --cert FILE` })
  }
  const passphrase = passEnv === undefined ? undefined : yield* passphraseIn(passEnv)
  if (options.ipv4 === true && options.ipv6 === true) {
    return yield* new UsageError({ message: "--ipv4 and --ipv6 exclude each other" })
  }
  const family = options.ipv4 === true ? "ipv4" : options.ipv6 === true ? "ipv6" : undefined
  const resolve = yield* Effect.map(Effect.forEach(options.resolve ?? [], addressesOf), Object.fromEntries)
  // The origin is known when the first URL was read.
  const tls = yield* Effect.mapError(
    Tls.fromFiles({ cacert, cert, key, passphrase, insecure, system: true, origin: "https://localhost" }),
    ({ option, problem }) =>
      new UsageError({
        message: `${tlsName(option, options)}: ${problem}${option === "passphrase" ? hint(passEnv) : ""}`
      })
  )
  return (first?: string) => {
    const origin = first !== undefined && URL.canParse(first) ? new URL(first).origin : ""
    const client = tls.client === undefined ? undefined : { ...tls.client, origin }
    return Layer.mergeAll(
      Transport.layer({ publicOnly, family, resolve, proxy: proxies, tls: { ...tls, client } }),
      Hasher.layer
    )
  }
})

const passphraseIn = (name: string) =>
  Effect.mapError(
    Config.redacted(name),
    () => new UsageError({ message: `--pass-env NAME: there is no environment variable ${name}` })
  )

/** Reads `HOST:PORT:ADDR`. */
const addressesOf = (text: string) => {
  const [, host = "", port = "", list = ""] = /^(\*|\[[^\]]+\]|[^:[\]]+):(\d{1,5}):(.+)$/.exec(text) ?? []
  const addresses = list.split(",").map((address) => address.replace(/^\[(.*)\]$/, "$1"))
  const url = host === "*" ? "http://any" : `http://${host}`
  return URL.canParse(url) && addresses.every((address) => isIP(address) !== 0) && Number(port) < 65_536
    ? Effect.succeed([
        `${host === "*" ? host : new URL(url).hostname.replace(/^\[(.*)\]$/, "$1")}:${Number(port)}`,
        addresses
      ] as const)
    : new UsageError({
        message: `--resolve HOST:PORT:ADDR must be like files.example:443:192.0.2.1, not '${Printable.excerpt(text)}'`
      })
}

const proxyNames: Readonly<Record<string, string>> = { proxy: "--proxy URL", noProxy: "--no-proxy LIST" }

const tlsName = (option: Tls.InvalidTls["option"], options: NetworkOptions): string => {
  const name = option === "passphrase" || option === "origin" ? (options.key === undefined ? "cert" : "key") : option
  return `--${name} ${Printable.line(options[name] ?? "")}`
}

const hint = (passEnv: string | undefined): string =>
  passEnv === undefined ? "; --pass-env NAME gives its pass phrase" : ` (--pass-env ${passEnv})`
