/**
 * The transport of a command, from the options of its line and from the environment.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { NetworkOptions } from "../../Cli/Host.js"
import { UsageError } from "../../Cli/UsageError.js"
import * as Hasher from "../hasher.js"
import * as Proxy from "../Proxy.js"
import * as Transport from "../Transport.js"
import * as SmallHeap from "./smallHeap.js"

export const transport = Effect.fnUntraced(function* ({ noProxy, proxy, publicOnly }: NetworkOptions) {
  const proxies = yield* Effect.mapError(
    Proxy.fromEnvironment({ proxy, noProxy }),
    ({ name, rule }) => new UsageError({ message: `${options[name] ?? `the environment variable ${name}`} ${rule}` })
  )
  return Layer.mergeAll(Transport.layer({ publicOnly, proxy: proxies }), Hasher.layer, SmallHeap.layer)
})

const options: Readonly<Record<string, string>> = { proxy: "--proxy URL", noProxy: "--no-proxy LIST" }
