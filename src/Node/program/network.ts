/**
 * The transport of a command, from the options of its line and from the environment.
 */
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
import * as SmallHeap from "./smallHeap.js"

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
      Transport.layer({ publicOnly, proxy: proxies, tls: { ...tls, client } }),
      Hasher.layer,
      SmallHeap.layer
    )
  }
})

const passphraseIn = (name: string) =>
  Effect.mapError(
    Config.redacted(name),
    () => new UsageError({ message: `--pass-env NAME: there is no environment variable ${name}` })
  )

const proxyNames: Readonly<Record<string, string>> = { proxy: "--proxy URL", noProxy: "--no-proxy LIST" }

const tlsName = (option: Tls.InvalidTls["option"], options: NetworkOptions): string => {
  const name = option === "passphrase" || option === "origin" ? (options.key === undefined ? "cert" : "key") : option
  return `--${name} ${Printable.line(options[name] ?? "")}`
}

const hint = (passEnv: string | undefined): string =>
  passEnv === undefined ? "; --pass-env NAME gives its pass phrase" : ` (--pass-env ${passEnv})`
