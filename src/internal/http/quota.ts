/**
 * Reads what a server says about the quota of its client.
 *
 * - `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers): `"default";r=0;t=30`, a list of structured fields, and
 *   the dictionary of earlier drafts, `limit=10, remaining=0, reset=30`.
 * - `RateLimit-Remaining` and `RateLimit-Reset`, and the same names with `X-`, which have no specification. A reset is a number of
 *   seconds, or a time in seconds or milliseconds since 1970: the sizes of these numbers are so different that they are not confused.
 *
 * A value that is none of these is ignored.
 */
import { parseDictionary, parseList } from "structured-headers"
import { parseHttpDate } from "./retryAfter.js"

type Headers = Readonly<Record<string, string | undefined>>

/** True if a response says something about a quota. */
export const isSaid = (headers: Headers): boolean =>
  headers["ratelimit"] !== undefined ||
  headers["x-ratelimit-remaining"] !== undefined ||
  headers["ratelimit-remaining"] !== undefined ||
  headers["x-rate-limit-remaining"] !== undefined

/** Returns for how many milliseconds a quota of the client is used up. Returns undefined if there is no quota, or one that is not used up. */
export const usedUpMillis = (headers: Headers, nowMillis: number): number | undefined => {
  const standard = headers["ratelimit"]
  const seconds = standard === undefined ? undefined : ofRateLimit(standard, headers["ratelimit-policy"])
  return seconds === undefined ? ofPairs(headers, nowMillis) : seconds * 1000
}

// Servers send far less. The time to parse a value grows with its length.
const lengthAtMost = 4096

const positive = (value: unknown): number | undefined => (typeof value === "number" && value > 0 ? value : undefined)

/** The longest time in seconds of the quotas that are used up. */
const ofRateLimit = (text: string, policy: string | undefined): number | undefined => {
  const waits: Array<number> = []
  for (const [name, parameters] of parsed(parseList, text) ?? []) {
    if (parameters.get("r") === 0) {
      const seconds = positive(parameters.get("t")) ?? windowOf(name, policy)
      waits.push(...(seconds === undefined ? [] : [seconds]))
    }
  }
  const fields = parsed(parseDictionary, text)
  const reset = positive(fields?.get("reset")?.[0])
  if (fields?.get("remaining")?.[0] === 0 && reset !== undefined) {
    waits.push(reset)
  }
  return waits.length === 0 ? undefined : Math.max(...waits)
}

/** The window of a policy in seconds: a quota that is used up is whole again at its end. */
const windowOf = (name: unknown, policy: string | undefined): number | undefined =>
  (parsed(parseList, policy ?? "") ?? [])
    .flatMap(([other, parameters]) => (other === name ? [positive(parameters.get("w"))] : []))
    .find((seconds) => seconds !== undefined)

const parsed = <A>(parse: (text: string) => A, text: string): A | undefined => {
  if (text.length > lengthAtMost) {
    return undefined
  }
  try {
    return parse(text)
  } catch {
    return undefined
  }
}

const prefixes = ["ratelimit", "x-ratelimit", "x-rate-limit"].map(
  (prefix) => [`${prefix}-remaining`, `${prefix}-reset`] as const
)

const ofPairs = (headers: Headers, nowMillis: number): number | undefined => {
  for (const [remaining, reset] of prefixes) {
    if (headers[remaining] !== undefined && headers[reset] !== undefined) {
      return /^0+$/.test(headers[remaining]) ? millisUntil(headers[reset], headers["date"], nowMillis) : undefined
    }
  }
  return undefined
}

const millisUntil = (reset: string, date: string | undefined, nowMillis: number): number | undefined => {
  const number = /^\d{1,15}(?:\.\d{1,9})?$/.test(reset) ? Number(reset) : Number.NaN
  // The clock of the server may be wrong.
  const serverMillis = parseHttpDate(date ?? "", nowMillis) ?? nowMillis
  const millis =
    number < 1e8
      ? number * 1000
      : number >= 1e9 && number < 1e11
        ? number * 1000 - serverMillis
        : number >= 1e12 && number < 1e14
          ? number - serverMillis
          : Number.NaN
  return millis > 0 ? millis : undefined
}
