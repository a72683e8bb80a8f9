/**
 * The chapter's country flags: their codes, the selection of codes, and the request for each flag. `Downloader` downloads the
 * flags, and `FlagServer` serves them.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import * as Download from "./Download.js"
import { trimEnd } from "./internal/text/trimEnd.js"

const words = (text: string): ReadonlyArray<string> => text.trim().split(/\s+/)

/**
 * Checks that a code has two letters, in any case. Such a code need not be the code of a country.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Code: Schema.filter<typeof Schema.String> = Schema.String.pipe(Schema.pattern(/^[A-Za-z]{2}$/))

const alphabet: ReadonlyArray<string> = Array.from("ABCDEFGHIJKLMNOPQRSTUVWXYZ")

/**
 * The codes of the 20 most populous countries, the most populous first.
 *
 * @category codes
 * @since 0.1.0
 */
export const populous: ReadonlyArray<string> = words("CN IN US ID BR PK NG BD RU JP MX PH VN ET EG DE IR TR CD FR")

/**
 * The 194 codes for which the chapter's server has a flag, in alphabetical order.
 *
 * @category codes
 * @since 0.1.0
 */
export const all: ReadonlyArray<string> = words(`
  AD AE AF AG AL AM AO AR AT AU AZ BA BB BD BE BF BG BH BI BJ BN BO BR BS BT BW BY BZ CA CD CF CG CH CI CL CM CN CO CR
  CU CV CY CZ DE DJ DK DM DZ EC EE EG ER ES ET FI FJ FM FR GA GB GD GE GH GM GN GQ GR GT GW GY HN HR HT HU ID IE IL IN
  IQ IR IS IT JM JO JP KE KG KH KI KM KN KP KR KW KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MG MH MK ML MM MN MR
  MT MU MV MW MX MY MZ NA NE NG NI NL NO NP NR NZ OM PA PE PG PH PK PL PS PT PW PY QA RO RS RU RW SA SB SC SD SE SG SI SK
  SL SM SN SO SR ST SV SY SZ TD TG TH TJ TL TM TN TO TR TT TV TW TZ UA UG US UY UZ VA VC VE VN VU WS YE ZA ZM ZW
`)

/**
 * The 676 two-letter codes from AA to ZZ, in alphabetical order. Most of them belong to no country.
 *
 * @category codes
 * @since 0.1.0
 */
export const every: ReadonlyArray<string> = alphabet.flatMap((first) => alphabet.map((second) => first + second))

/**
 * A selection of codes is invalid. The message is the rule that it violates.
 *
 * @category errors
 * @since 0.1.0
 */
export class InvalidSelection extends Schema.TaggedError<InvalidSelection>("halyard/Flags/InvalidSelection")(
  "InvalidSelection",
  { rule: Schema.String }
) {
  override get message(): string {
    return this.rule
  }
}

/**
 * Returns the selected codes, sorted and without repetitions, and at most `limit` of them. `every` has priority over `all`, and
 * `all` over `codes`. A single letter in `codes` selects the 26 codes that begin with it. Default: `populous`.
 *
 * @category selections
 * @since 0.1.0
 */
export const select = (options: {
  readonly codes?: ReadonlyArray<string> | undefined
  readonly all?: boolean | undefined
  readonly every?: boolean | undefined
  readonly limit?: number | undefined
}): Either.Either<ReadonlyArray<string>, InvalidSelection> => {
  const { all: isAll, codes = [], every: isEvery, limit = Number.POSITIVE_INFINITY } = options
  if (!(limit >= 1)) {
    return Either.left(new InvalidSelection({ rule: "--limit N must be >= 1" }))
  }
  if (isEvery !== true && isAll !== true && !codes.every((code) => /^[A-Za-z]{1,2}$/.test(code))) {
    return Either.left(new InvalidSelection({ rule: "each CC argument must be A to Z or AA to ZZ" }))
  }
  const selected =
    isEvery === true ? every : isAll === true ? all : codes.length === 0 ? populous : codes.flatMap(expand)
  return Either.right(Array.from(new Set(selected)).sort().slice(0, limit))
}

const expand = (code: string): ReadonlyArray<string> => {
  const letters = code.toUpperCase()
  return letters.length === 1 ? alphabet.map((second) => letters + second) : [letters]
}

// Other characters become "_", so no code leads out of the directory.
const nameOf = (code: string): string => code.toLowerCase().replace(/[^a-z]/g, "_")

/**
 * Returns the URL of a flag: `{baseUrl}/{cc}/{cc}.gif`, with the code in lower case. Characters that are not letters become `_`.
 *
 * @category requests
 * @since 0.1.0
 */
export const url = (baseUrl: string, code: string): string => {
  const cc = nameOf(code)
  return `${trimEnd(baseUrl, "/")}/${cc}/${cc}.gif`
}

/**
 * Makes the request for one flag. The destination is `{directory}/{cc}.gif`, and an existing file is overwritten. `id` is the code.
 * Characters of the code that are not letters become `_`.
 *
 * @category requests
 * @since 0.1.0
 */
export const request = (
  code: string,
  options: {
    readonly baseUrl: string
    /** An existing directory. */
    readonly directory: string
    readonly timeout?: Duration.DurationInput | undefined
    readonly deadline?: Duration.DurationInput | undefined
  }
): Download.DownloadRequest =>
  Download.request({
    id: code,
    url: url(options.baseUrl, code),
    destination: `${trimEnd(options.directory, "/\\", 1)}/${nameOf(code)}.gif`,
    timeout: options.timeout,
    deadline: options.deadline,
    onExists: "overwrite"
  })
