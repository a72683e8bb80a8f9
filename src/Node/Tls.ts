/**
 * TLS for the transport of Node: trusted certificates, and a certificate of the client.
 *
 * @since 0.2.0
 */
import { X509Certificate } from "node:crypto"
import { readFileSync } from "node:fs"
import { createSecureContext } from "node:tls"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type { TlsOptions } from "./Transport/secure.js"
import { certificatesIn } from "./Transport/trust.js"

/**
 * The TLS of a transport. `make` and `fromFiles` make one.
 *
 * @category models
 * @since 0.2.0
 */
export type Tls = TlsOptions

/**
 * The options of `make`. Certificates and keys are PEM texts; in `fromFiles`, they are the paths of files.
 *
 * @category models
 * @since 0.2.0
 */
export interface Options {
  /** Certificates that are trusted instead of all others, for origins and for proxies. */
  readonly cacert?: string | undefined
  /**
   * Whether certificates of the system are trusted in addition to those of Node, and those of `SSL_CERT_FILE` and `SSL_CERT_DIR`.
   * `SSL_CERT_FILE` replaces the system's own file. Default: false.
   */
  readonly system?: boolean | undefined
  /** Accepts any certificate of an origin. A proxy still needs a valid one. Default: false. */
  readonly insecure?: boolean | undefined
  /** The certificate of this client, with its chain, for `origin` only. */
  readonly cert?: string | undefined
  /** The key of `cert`. Default: `cert` contains it. */
  readonly key?: string | undefined
  /** The pass phrase of an encrypted key. */
  readonly passphrase?: string | Redacted.Redacted | undefined
  /** The origin that may ask for `cert`, such as `https://files.example:8443`. */
  readonly origin?: string | undefined
}

/**
 * An option that cannot be used.
 *
 * @category errors
 * @since 0.2.0
 */
export class InvalidTls extends Schema.TaggedError<InvalidTls>("halyard/Node/Tls/InvalidTls")("InvalidTls", {
  option: Schema.Literal("cacert", "cert", "key", "passphrase", "origin"),
  problem: Schema.String
}) {
  override get message(): string {
    return `${this.option}: ${this.problem}`
  }
}

const invalid = (option: InvalidTls["option"], problem: string) => Either.left(new InvalidTls({ option, problem }))

/**
 * Makes the TLS of a transport.
 *
 * @category constructors
 * @since 0.2.0
 */
export const make = (options: Options): Either.Either<Tls, InvalidTls> => {
  const { cacert, cert, insecure, key, origin } = options
  const ca = cacert === undefined ? undefined : certificatesIn(cacert)
  if (ca !== undefined && (ca.length === 0 || !ca.every(isCertificate))) {
    return invalid("cacert", "it has no certificate in PEM form, or one that cannot be read")
  }
  const trust = { ca, isInsecure: insecure === true, environment: undefined }
  if (cert === undefined) {
    return key === undefined ? Either.right(trust) : invalid("key", "it needs a certificate")
  }
  const url = origin !== undefined && URL.canParse(origin) ? new URL(origin) : undefined
  if (url === undefined) {
    return invalid("origin", "a certificate of the client needs the origin that may ask for it")
  }
  const passphrase = typeof options.passphrase === "object" ? Redacted.value(options.passphrase) : options.passphrase
  const client = { cert, key: key ?? cert, passphrase, origin: url.origin }
  return Either.map(checkClient(client, key === undefined ? "cert" : "key"), () => ({ ...trust, client }))
}

/**
 * Reads the files that the options name, and makes the TLS of a transport.
 *
 * @category constructors
 * @since 0.2.0
 */
export const fromFiles = (options: Options): Effect.Effect<Tls, InvalidTls> =>
  Effect.gen(function* () {
    const read = (option: "cacert" | "cert" | "key") => {
      const path = options[option]
      return path === undefined
        ? Effect.succeed(undefined)
        : Effect.try({
            try: () => readFileSync(path, "utf8"),
            catch: (cause) => new InvalidTls({ option, problem: `the file cannot be read (${codeOf(cause)})` })
          })
    }
    const [cacert, cert, key] = [yield* read("cacert"), yield* read("cert"), yield* read("key")]
    const tls = yield* make({ ...options, cacert, cert, key })
    return options.system === true && cacert === undefined ? { ...tls, environment: yield* environment } : tls
  })

const environment = Effect.map(
  Effect.forEach(["SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS"], (name) =>
    Effect.map(
      Effect.orElseSucceed(Config.option(Config.string(name)), () => Option.none<string>()),
      (value) => (Option.isSome(value) && value.value !== "" ? value.value : undefined)
    )
  ),
  ([certFile, certDirectory, extraCerts]) => ({ certFile, certDirectory, extraCerts })
)

const isCertificate = (text: string): boolean =>
  Option.isSome(Option.liftThrowable((pem: string) => new X509Certificate(pem))(text))

const codeOf = (cause: unknown): string =>
  typeof cause === "object" && cause !== null && "code" in cause && typeof cause.code === "string"
    ? cause.code
    : "unknown"

const checkClient = (
  { cert, key, passphrase }: NonNullable<Tls["client"]>,
  ofKey: "cert" | "key"
): Either.Either<void, InvalidTls> => {
  if (certificatesIn(cert).length === 0) {
    return invalid("cert", "it has no certificate in PEM form")
  }
  if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(key)) {
    return invalid(
      ofKey,
      ofKey === "cert" ? "it has no private key in PEM form; give the key as well" : "it has no private key in PEM form"
    )
  }
  return Either.flatMap(
    Either.try({ try: () => createSecureContext({ cert, key, passphrase }), catch: codeOf }),
    () => Either.void
  ).pipe(
    Either.mapLeft((code) =>
      /MISMATCH/.test(code)
        ? new InvalidTls({ option: ofKey, problem: "the key does not belong to the certificate" })
        : /ENCRYPTED|Proc-Type: 4/.test(key)
          ? new InvalidTls({
              option: "passphrase",
              problem: passphrase === undefined ? "the key is encrypted" : "it is not the pass phrase of the key"
            })
          : new InvalidTls({ option: ofKey, problem: `the key or the certificate cannot be read (${code})` })
    )
  )
}
