import { Effect, Layer } from "effect"
import * as Node from "halyard/Node"
import * as Proxy from "halyard/Node/Proxy"
import * as Tls from "halyard/Node/Tls"

/** A downloader behind the proxies of the environment, which trusts the certificates in `ca.pem` and no others. */
export const layer = Layer.unwrapEffect(
  Effect.gen(function* () {
    const proxy = yield* Proxy.fromEnvironment({ noProxy: "localhost,10.0.0.0/8" })
    const tls = yield* Tls.fromFiles({ cacert: "ca.pem" })
    return Node.layerWith({ transport: { proxy, tls } })
  })
)
