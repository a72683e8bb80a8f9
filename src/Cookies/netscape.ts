/**
 * The text of a Netscape cookie file: a cookie on each line, with seven fields that tabs separate.
 */
import * as Either from "effect/Either"

export interface Line {
  /** In lower case, without a dot at its start. */
  readonly domain: string
  /** True if the cookie is not for subdomains. */
  readonly isHostOnly: boolean
  readonly path: string
  readonly isSecure: boolean
  readonly isHttpOnly: boolean
  /** Milliseconds since 1970. Undefined for a cookie of the session. */
  readonly expiresMillis: number | undefined
  readonly name: string
  readonly value: string
}

const httpOnly = "#HttpOnly_"

const rule = "it is not a cookie: seven fields, separated by tabs, of which the second and the fourth are TRUE or FALSE"

/** Returns the cookies, or the number of the wrong line and its rule. */
export const parse = (text: string): Either.Either<ReadonlyArray<Line>, string> => {
  const lines: Array<Line> = []
  for (const [index, written] of text
    .replace(/^\ufeff/, "")
    .split("\n")
    .entries()) {
    const line = written.replace(/\r$/, "")
    const isHttpOnly = line.startsWith(httpOnly)
    if (line.trim() === "" || (line.startsWith("#") && !isHttpOnly)) {
      continue
    }
    // A cookie without a value has six fields in the files of some programs.
    const [domain = "", tail, path = "", secure, expires = "", name = "", value = "", ...more] = (
      isHttpOnly ? line.slice(httpOnly.length) : line
    ).split("\t")
    const isRight =
      more.length === 0 && domain !== "" && name !== "" && path.startsWith("/") && isBoolean(tail) && isBoolean(secure)
    if (!isRight || !/^-?\d{1,13}(?:\.\d{1,9})?$/.test(expires)) {
      return Either.left(`line ${index + 1}: ${rule}`)
    }
    lines.push({
      domain: domain.replace(/^\./, "").toLowerCase(),
      isHostOnly: tail?.toUpperCase() === "FALSE",
      path,
      isSecure: secure?.toUpperCase() === "TRUE",
      isHttpOnly,
      expiresMillis: Number(expires) <= 0 ? undefined : Number(expires) * 1000,
      name,
      value
    })
  }
  return Either.right(lines)
}

const isBoolean = (field: string | undefined): boolean => field !== undefined && /^(?:true|false)$/i.test(field)

export const format = (lines: ReadonlyArray<Line>): string =>
  ["# Netscape HTTP Cookie File", "", ...lines.flatMap(formatLine)].map((line) => `${line}\n`).join("")

/** A cookie with a tab has no form in such a file. */
const formatLine = (line: Line): ReadonlyArray<string> => {
  const { domain, expiresMillis, isHostOnly, isHttpOnly, isSecure, name, path, value } = line
  const fields = [
    `${isHttpOnly ? httpOnly : ""}${isHostOnly ? "" : "."}${domain}`,
    isHostOnly ? "FALSE" : "TRUE",
    path,
    isSecure ? "TRUE" : "FALSE",
    `${expiresMillis === undefined ? 0 : Math.ceil(expiresMillis / 1000)}`,
    name,
    value
  ]
  return fields.some((field) => /[\t\r\n]/.test(field)) ? [] : [fields.join("\t")]
}
