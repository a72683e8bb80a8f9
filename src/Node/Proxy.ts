/**
 * Proxies for the transport of Node: HTTP proxies, with or without TLS, and SOCKS 5.
 *
 * A request for an `http:` URL goes to an HTTP proxy, which fetches it. All other requests go through a tunnel (CONNECT, RFC 9110
 * §9.3.6, or RFC 1928): the proxy passes bytes on, and TLS is between this process and the origin.
 *
 * @since 0.2.0
 */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as NoProxy from "./Transport/proxy/noProxy.js"
import { Proxies as ProxiesClass, type ProxyServer, parseServer } from "./Transport/proxy/proxies.js"

/**
 * The proxies of a transport. `make` and `fromEnvironment` make one.
 *
 * @category models
 * @since 0.2.0
 */
export type Proxies = ProxiesClass

/**
 * The options of `make`. The URL of a proxy has the scheme `http`, `https`, `socks5` (this process resolves the names of origins) or
 * `socks5h` (the proxy resolves them). It may contain a user name and a password. Without a scheme it is `http`. Default ports: 80,
 * 443, 1080.
 *
 * @category models
 * @since 0.2.0
 */
export interface Options {
  /** The proxy for all URLs. Default: none. */
  readonly proxy?: string | Redacted.Redacted | undefined
  /** The proxy for `http:` URLs. Default: `proxy`. An empty text means no proxy. */
  readonly httpProxy?: string | Redacted.Redacted | undefined
  /** The proxy for `https:` URLs. Default: `proxy`. An empty text means no proxy. */
  readonly httpsProxy?: string | Redacted.Redacted | undefined
  /**
   * The origins that need no proxy, separated by commas: host names, which include their subdomains, IP addresses, networks such as
   * `10.0.0.0/8`, and `*` for all. A name or an address may end with a port.
   */
  readonly noProxy?: string | undefined
}

/**
 * An option or an environment variable that does not name a proxy.
 *
 * @category errors
 * @since 0.2.0
 */
export class InvalidProxy extends Schema.TaggedError<InvalidProxy>("halyard/Node/Proxy/InvalidProxy")("InvalidProxy", {
  /** The name of the option or of the variable. */
  name: Schema.String,
  rule: Schema.String
}) {
  override get message(): string {
    return `${this.name} ${this.rule}`
  }
}

/**
 * Makes proxies from options.
 *
 * @category constructors
 * @since 0.2.0
 */
export const make = (options: Options): Either.Either<Proxies, InvalidProxy> =>
  fromTexts({
    all: given("proxy", options.proxy),
    http: given("httpProxy", options.httpProxy),
    https: given("httpsProxy", options.httpsProxy),
    noProxy: given("noProxy", options.noProxy),
    isListChecked: true
  })

/**
 * Makes proxies from the environment variables `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy`, in lower or upper case; lower
 * case wins. `HTTP_PROXY` is ignored if `REQUEST_METHOD` is set, because in a CGI program it comes from the client. Options that are
 * given replace the variables.
 *
 * @category constructors
 * @since 0.2.0
 */
export const fromEnvironment = (
  options: Pick<Options, "proxy" | "noProxy"> = {}
): Effect.Effect<Proxies, InvalidProxy> =>
  Effect.gen(function* () {
    const all = given("proxy", options.proxy)
    const noProxy = given("noProxy", options.noProxy)
    return yield* fromTexts({
      all: all ?? (yield* variable("all_proxy")),
      http: all ?? (yield* variable("http_proxy")),
      https: all ?? (yield* variable("https_proxy")),
      noProxy: noProxy ?? (yield* variable("no_proxy")),
      isListChecked: noProxy !== undefined
    })
  })

/**
 * The names of the environment variables that name a proxy.
 *
 * @category constructors
 * @since 0.2.0
 */
export const variables: Effect.Effect<ReadonlyArray<string>> = Effect.map(
  Effect.forEach(["http_proxy", "https_proxy", "all_proxy"], variable),
  (found) => found.flatMap((one) => (one === undefined || one.text === "" ? [] : [one.name]))
)

interface Text {
  readonly name: string
  readonly text: string
}

const given = (name: string, value: string | Redacted.Redacted | undefined): Text | undefined =>
  value === undefined ? undefined : { name, text: typeof value === "string" ? value : Redacted.value(value) }

function variable(name: string): Effect.Effect<Text | undefined> {
  const read = (one: string) => Effect.orElseSucceed(Config.option(Config.string(one)), () => Option.none<string>())
  return Effect.gen(function* () {
    const lower = yield* read(name)
    if (Option.isSome(lower)) {
      return { name, text: lower.value }
    }
    const isFromClient = name === "http_proxy" && Option.isSome(yield* read("REQUEST_METHOD"))
    const upper = isFromClient ? Option.none<string>() : yield* read(name.toUpperCase())
    return Option.isSome(upper) ? { name: name.toUpperCase(), text: upper.value } : undefined
  })
}

const fromTexts = (texts: {
  readonly all: Text | undefined
  readonly http: Text | undefined
  readonly https: Text | undefined
  readonly noProxy: Text | undefined
  /** Whether an entry of the list that can match nothing is an error. */
  readonly isListChecked: boolean
}): Either.Either<Proxies, InvalidProxy> => {
  const list = NoProxy.parse(texts.noProxy?.text ?? "")
  if (texts.isListChecked && list.invalid !== undefined) {
    return Either.left(
      new InvalidProxy({
        name: texts.noProxy?.name ?? "",
        rule: "must be a list of host names, IP addresses and networks such as 10.0.0.0/8"
      })
    )
  }
  const server = (text: Text | undefined): Either.Either<ProxyServer | undefined, InvalidProxy> =>
    text === undefined || text.text.trim() === ""
      ? Either.right(undefined)
      : Either.mapLeft(parseServer(text.text.trim()), (rule) => new InvalidProxy({ name: text.name, rule }))
  return Either.map(
    Either.all([server(texts.http ?? texts.all), server(texts.https ?? texts.all)]),
    ([http, https]) => new ProxiesClass(http, https, list)
  )
}
