/**
 * Values of the header `Authorization`, from a name and a password or from a netrc file.
 *
 * A downloader sends the headers of a request to the origin of its URL only, so a password never reaches another origin.
 *
 * @since 0.2.0
 */
import * as Either from "effect/Either"
import * as Encoding from "effect/Encoding"
import * as Redacted from "effect/Redacted"
import * as NetrcText from "./internal/text/netrc.js"

/**
 * Returns the value of `Authorization` for a name and a password (RFC 7617, in UTF-8).
 *
 * @category constructors
 * @since 0.2.0
 */
export const basic = (user: string, password: string | Redacted.Redacted): Redacted.Redacted =>
  Redacted.make(
    `Basic ${Encoding.encodeBase64(`${user}:${Redacted.isRedacted(password) ? Redacted.value(password) : password}`)}`
  )

/**
 * The entries of a netrc file. They are never printed.
 *
 * @category models
 * @since 0.2.0
 */
export type Netrc = Redacted.Redacted<ReadonlyArray<NetrcText.Entry>>

/**
 * Reads the text of a netrc file: `machine`, `default`, `login`, `password`, `account` and `macdef`, comments, and tokens in quotation
 * marks with the escapes of curl. Returns the number of the wrong line and the rule that it violates.
 *
 * @category netrc
 * @since 0.2.0
 */
export const parseNetrc = (text: string): Either.Either<Netrc, string> =>
  Either.map(NetrcText.parse(text), (entries) => Redacted.make(entries))

/**
 * Returns the value of `Authorization` for a URL: that of the first entry for its host, or else of the `default` entry. Returns
 * undefined if there is none, and if the URL has credentials of its own.
 *
 * @category netrc
 * @since 0.2.0
 */
export const fromNetrc = (netrc: Netrc, url: string): Redacted.Redacted | undefined => {
  if (!URL.canParse(url)) {
    return undefined
  }
  const { hostname, password, username } = new URL(url)
  const entry = NetrcText.find(Redacted.value(netrc), hostname)
  return entry?.login === undefined || username !== "" || password !== ""
    ? undefined
    : basic(entry.login, entry.password ?? "")
}
