/**
 * The chapter's country flags as values: which codes there are, how a selection of them is read, and the request for
 * each. Fetching them is the `Downloader`'s work, and serving them the `FlagServer`'s.
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
 * Two letters, in any case: what a country code looks like. For codes that come from outside.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Code: Schema.filter<typeof Schema.String> = Schema.String.pipe(Schema.pattern(/^[A-Za-z]{2}$/))

const alphabet: ReadonlyArray<string> = Array.from("ABCDEFGHIJKLMNOPQRSTUVWXYZ")

/**
 * The 20 most populous countries, in that order.
 *
 * @category codes
 * @since 0.1.0
 */
export const populous: ReadonlyArray<string> = words("CN IN US ID BR PK NG BD RU JP MX PH VN ET EG DE IR TR CD FR")

/**
 * The 194 codes for which the chapter's server has a flag, sorted.
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
 * Every two-letter code from AA to ZZ, sorted: 676, most of which are no country's.
 *
 * @category codes
 * @since 0.1.0
 */
export const every: ReadonlyArray<string> = alphabet.flatMap((first) => alphabet.map((second) => first + second))

/**
 * A selection that names no codes; the message is the rule that was broken.
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
 * Reads a selection: `every` wins over `all`, `all` over `codes`, and without any of them it is `populous`. A single
 * letter stands for that letter with A to Z. The result is sorted, without repetitions, then cut to `limit`.
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
  const limit = options.limit ?? Number.POSITIVE_INFINITY
  if (!(limit >= 1)) {
    return Either.left(new InvalidSelection({ rule: "--limit N must be >= 1" }))
  }
  return Either.map(chosen(options), (codes) => Array.from(new Set(codes)).sort().slice(0, limit))
}

const chosen = (options: {
  readonly codes?: ReadonlyArray<string> | undefined
  readonly all?: boolean | undefined
  readonly every?: boolean | undefined
}): Either.Either<ReadonlyArray<string>, InvalidSelection> => {
  if (options.every === true) {
    return Either.right(every)
  }
  if (options.all === true) {
    return Either.right(all)
  }
  if (options.codes === undefined || options.codes.length === 0) {
    return Either.right(populous)
  }
  const expanded: Array<string> = []
  for (const argument of options.codes) {
    if (!/^[A-Za-z]{1,2}$/.test(argument)) {
      return Either.left(new InvalidSelection({ rule: "each CC argument must be A to Z or AA to ZZ" }))
    }
    const code = argument.toUpperCase()
    expanded.push(...(code.length === 1 ? alphabet.map((letter) => code + letter) : [code]))
  }
  return Either.right(expanded)
}

const nameOf = (code: string): string => code.toLowerCase().replace(/[^a-z]/g, "_")

/**
 * Where a flag is: `{baseUrl}/{cc}/{cc}.gif`, in lower case. What is no letter in a code becomes `_`.
 *
 * @category requests
 * @since 0.1.0
 */
export const url = (baseUrl: string, code: string): string => {
  const cc = nameOf(code)
  return `${trimEnd(baseUrl, "/")}/${cc}/${cc}.gif`
}

/**
 * The request for one flag, to be saved as `{directory}/{cc}.gif` over whatever stands there. `id` is the code. What is
 * no letter in a code becomes `_`: no code leads out of the directory.
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
