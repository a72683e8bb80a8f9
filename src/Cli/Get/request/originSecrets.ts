/**
 * Headers and credentials that the command line gives for one origin: that of the first URL.
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as RequestHeaders from "../../../Download/requestHeaders.js"
import * as RequestProblem from "../../../Download/requestProblem.js"
import { UsageError } from "../../UsageError.js"
import type { Options } from "../options.js"
import * as Credentials from "./credentials.js"
import * as Headers from "./headers.js"

/** What the command line gives for one origin. */
export interface OriginSecrets {
  readonly headers: Headers.Headers
  /** The options that give something. */
  readonly options: ReadonlyArray<keyof typeof nouns>
}

const nouns = { "--header": "headers", "--user": "credentials", "--cookie": "cookies" }

/** Reads the headers and the credentials. A password may be asked for. */
export const read = Effect.fnUntraced(function* ({ cookie, header, headerEnv, user }: Options) {
  const headers = yield* Headers.read(header, headerEnv)
  const names = new Set(Object.keys(headers).map((name) => name.toLowerCase()))
  if (user !== undefined && names.has("authorization")) {
    return yield* new UsageError({
      message: "--user and the header Authorization are two credentials: give one of them"
    })
  }
  const cookies = cookie.flatMap((source) => (source._tag === "Line" ? [["cookie", source.text] as const] : []))
  const options: Array<keyof typeof nouns> = [
    ...(names.size > 0 ? (["--header"] as const) : []),
    ...(user === undefined ? [] : (["--user"] as const)),
    ...(cookies.length === 0 ? [] : (["--cookie"] as const))
  ]
  const given = RequestHeaders.joinValues([...Object.entries(headers), ...cookies])
  const all = user === undefined ? given : { ...given, authorization: yield* Credentials.ofUser(user) }
  const secrets: OriginSecrets = { headers: all, options }
  return secrets
})

/** The rule for a first URL to which no request can be sent. */
export const rule = ({ options }: OriginSecrets): string =>
  `${options.join(" and ")} ${options.length === 1 ? "is" : "are"} for the origin of`

/** Gives the secrets to the URLs of one origin, and counts the URLs of others. */
export class OriginHeaders {
  /** How many URLs of other origins have been given. */
  withheld = 0

  private constructor(
    private readonly origin: string,
    private readonly secrets: OriginSecrets
  ) {}

  /** For the origin of `url`, or why no request can be sent there. */
  static of(url: string, secrets: OriginSecrets): Either.Either<OriginHeaders, string> {
    const refused = RequestProblem.ofUrl(url)
    return refused === undefined ? Either.right(new OriginHeaders(new URL(url).origin, secrets)) : Either.left(refused)
  }

  /** The headers for a URL. A URL of another origin gets none, and is counted. */
  for(url: string): Headers.Headers | undefined {
    if (URL.canParse(url) && new URL(url).origin === this.origin) {
      return this.secrets.headers
    }
    this.withheld++
    return undefined
  }

  /** The line for the user if some URLs did not get the secrets. */
  notice(): string | undefined {
    const { options } = this.secrets
    return this.withheld === 0
      ? undefined
      : `the ${options.map((option) => nouns[option]).join(" and ")} are for ${this.origin}: not sent to ${this.withheld} ${this.withheld === 1 ? "URL" : "URLs"} of other origins`
  }
}
