/**
 * The transport of a command, from the options of its line and from the environment.
 */

import { networkInterfaces } from "node:os"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type { NetworkOptions } from "../../Cli/Host.js"
import { UsageError } from "../../Cli/UsageError.js"
import * as Printable from "../../internal/text/printable.js"
import * as Hasher from "../hasher.js"
import { isIP, isIPv4, isIPv6 } from "../ipAddress.js"
import * as Proxy from "../Proxy.js"
import * as Tls from "../Tls.js"
import * as Transport from "../Transport.js"
import { ask } from "./passwordPrompt.js"

const passphraseVariable = "HALYARD_PASSPHRASE"

export const transport = Effect.fnUntraced(function* (options: NetworkOptions) {
  const { cacert, cert, insecure, key, noProxy, passEnv, pipeline, proxy, publicOnly } = options
  const proxies = yield* Effect.mapError(
    Proxy.fromEnvironment({ proxy, noProxy }),
    ({ name, rule }) => new UsageError({ message: `${proxyNames[name] ?? `the environment variable ${name}`} ${rule}` })
  )
  if (cert === undefined && (key !== undefined || passEnv !== undefined)) {
    const name = key === undefined ? "--pass-env NAME" : "--key FILE"
    return yield* new UsageError({ message: `${name} needs --cert FILE` })
  }
  const given = cert === undefined ? undefined : yield* givenPassphrase(passEnv)
  if (options.ipv4 === true && options.ipv6 === true) {
    return yield* new UsageError({ message: "--ipv4 and --ipv6 exclude each other" })
  }
  const family = options.ipv4 === true ? "ipv4" : options.ipv6 === true ? "ipv6" : undefined
  const localAddress =
    options.localInterface === undefined ? [] : yield* localAddressesOf(options.localInterface, family)
  const resolve = yield* Effect.map(Effect.forEach(options.resolve ?? [], addressesOf), Object.fromEntries)
  // The origin is known when the first URL was read.
  const tlsWith = (passphrase: Redacted.Redacted | undefined) =>
    Tls.fromFiles({ cacert, cert, key, passphrase, insecure, system: true, origin: "https://localhost" })
  const tls = yield* Effect.mapError(
    Effect.catchIf(
      tlsWith(given),
      ({ option }) => option === "passphrase" && given === undefined,
      (error) =>
        Effect.flatMap(ask(`Pass phrase of ${Printable.line(key ?? cert ?? "")}: `), (typed) =>
          typed === undefined ? error : tlsWith(Redacted.make(typed))
        )
    ),
    ({ option, problem }) =>
      new UsageError({
        message: `${tlsName(option, options)}: ${problem}${option === "passphrase" && /encrypted/.test(problem) ? hint : ""}${option === "passphrase" && passEnv !== undefined ? ` (--pass-env ${passEnv})` : ""}`
      })
  )
  return (first?: string) => {
    const origin = first !== undefined && URL.canParse(first) ? new URL(first).origin : ""
    const client = tls.client === undefined ? undefined : { ...tls.client, origin }
    return Layer.mergeAll(
      Transport.layer({ publicOnly, family, localAddress, resolve, pipeline, proxy: proxies, tls: { ...tls, client } }),
      Hasher.layer
    )
  }
})

const givenPassphrase = (passEnv: string | undefined): Effect.Effect<Redacted.Redacted | undefined, UsageError> =>
  passEnv === undefined
    ? Effect.map(Effect.option(Config.redacted(passphraseVariable)), Option.getOrUndefined)
    : passphraseIn(passEnv)

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

/** The first address of each family that an interface has, or the address itself. */
const localAddressesOf = (text: string, family: "ipv4" | "ipv6" | undefined) => {
  const interfaces = networkInterfaces()
  const all = isIP(text) !== 0 ? [text] : (interfaces[text] ?? []).map(({ address }) => address)
  // An address that begins with fe80: is valid on one link only.
  const usable = all.filter((address) => !/^fe[89ab]/i.test(address) || isIP(text) !== 0)
  const [ipv4, ipv6] = [usable.find(isIPv4), usable.find(isIPv6)]
  const found = [family === "ipv6" ? undefined : ipv4, family === "ipv4" ? undefined : ipv6].flatMap((one) => one ?? [])
  const name = `--interface ${Printable.excerpt(text)}`
  return found.length > 0
    ? Effect.succeed(found)
    : new UsageError({
        message:
          usable.length > 0
            ? `${name} has no ${family === "ipv6" ? "IPv6" : "IPv4"} address`
            : Object.hasOwn(interfaces, text)
              ? `${name} has no address`
              : `${name}: there is no such interface; there are ${Object.keys(interfaces).join(", ")}`
      })
}

const proxyNames: Readonly<Record<string, string>> = { proxy: "--proxy URL", noProxy: "--no-proxy LIST" }

const tlsName = (option: Tls.InvalidTls["option"], options: NetworkOptions): string => {
  const name = option === "passphrase" || option === "origin" ? (options.key === undefined ? "cert" : "key") : option
  return `--${name} ${Printable.line(options[name] ?? "")}`
}

const hint = `; --pass-env NAME gives its pass phrase, or set ${passphraseVariable}`
