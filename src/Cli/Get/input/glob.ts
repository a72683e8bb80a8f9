/**
 * Expands the braces and ranges of a URL, in curl's notation: `{a,b}`, `[1-100]`, `[001-100]`, `[a-z]`, and `[0-100:10]` with a
 * step. A backslash takes the next of these characters as it is. The brackets around an IPv6 address are not a range.
 */
import * as Either from "effect/Either"

export interface Expanded {
  readonly url: string
  /** The value of each pattern, in the order of the URL. */
  readonly values: ReadonlyArray<string>
}

/** A pattern of a URL. */
interface Pattern {
  readonly count: number
  readonly at: (index: number) => string
}

export class Glob {
  private constructor(
    /** The texts before, between and after the patterns. */
    private readonly texts: ReadonlyArray<string>,
    private readonly patterns: ReadonlyArray<Pattern>
  ) {}

  /** Returns what is wrong with a pattern, and its position. */
  static parse(url: string): Either.Either<Glob, string> {
    return Either.map(new Parser(url).parse(), ({ patterns, texts }) => new Glob(texts, patterns))
  }

  /** A URL that stays as it is. */
  static literal(url: string): Glob {
    return new Glob([url], [])
  }

  get hasPatterns(): boolean {
    return this.patterns.length > 0
  }

  /** Yields one URL after another. The last pattern changes fastest. */
  *expand(): Generator<Expanded> {
    const { patterns, texts } = this
    const indexes = patterns.map(() => 0)
    for (let isMore = true; isMore; ) {
      const values = patterns.map((pattern, place) => pattern.at(indexes[place] ?? 0))
      yield { url: texts.map((text, place) => text + (values[place] ?? "")).join(""), values }
      isMore = false
      for (let place = patterns.length - 1; place >= 0 && !isMore; place--) {
        const next = (indexes[place] ?? 0) + 1
        isMore = next < (patterns[place]?.count ?? 0)
        indexes[place] = isMore ? next : 0
      }
    }
  }
}

const hint = "--no-glob takes braces and brackets as they are"

const rangeRule = "a range has the form [1-100], [001-100], [a-z] or [0-100:10]"

class Parser {
  private readonly texts: Array<string> = []
  private readonly patterns: Array<Pattern> = []
  private text = ""
  private readonly hostEnd: number

  constructor(private readonly url: string) {
    const host = url.indexOf("://") + 3
    const end = host < 3 ? -1 : url.slice(host).search(/[/?#]/)
    this.hostEnd = host < 3 ? 0 : end < 0 ? url.length : host + end
  }

  parse(): Either.Either<{ readonly texts: ReadonlyArray<string>; readonly patterns: ReadonlyArray<Pattern> }, string> {
    const { url } = this
    for (let at = 0; at < url.length; ) {
      const character = url.charAt(at)
      const next = url.charAt(at + 1)
      const end = character === "[" ? this.literalEnd(at) : undefined
      if (end !== undefined) {
        this.text += url.slice(at, end)
        at = end
      } else if (character === "\\" && next !== "" && "{}[]".includes(next)) {
        this.text += next
        at += 2
      } else if (character === "{" || character === "[") {
        const read = character === "{" ? this.set(at) : this.range(at)
        if (typeof read === "string") {
          return Either.left(`position ${at + 1}: ${read}; ${hint}`)
        }
        this.texts.push(this.text)
        this.text = ""
        this.patterns.push(read.pattern)
        at = read.end
      } else if (character === "}" || character === "]") {
        return Either.left(
          `position ${at + 1}: '${character}' has no '${character === "}" ? "{" : "["}' before it; ${hint}`
        )
      } else {
        this.text += character
        at++
      }
    }
    return Either.right({ texts: [...this.texts, this.text], patterns: this.patterns })
  }

  /** The end of brackets that are not a range: `[]`, and an IPv6 address in the host. */
  private literalEnd(start: number): number | undefined {
    const close = this.url.indexOf("]", start)
    const content = this.url.slice(start + 1, Math.max(close, start + 1))
    const isAddress = start < this.hostEnd && close < this.hostEnd && content.split(":").length > 2
    return close >= 0 && (content === "" || isAddress) ? close + 1 : undefined
  }

  private set(start: number): Read | string {
    const values: Array<string> = []
    let value = ""
    for (let at = start + 1; at < this.url.length; at++) {
      const character = this.url.charAt(at)
      if (character === "\\" && at + 1 < this.url.length) {
        at++
        value += this.url.charAt(at)
      } else if (character === "}") {
        values.push(value)
        return at === start + 1
          ? "there is nothing between the braces"
          : { pattern: { count: values.length, at: (index) => values[index] ?? "" }, end: at + 1 }
      } else if (character === ",") {
        values.push(value)
        value = ""
      } else if ("{[]".includes(character)) {
        return `'${character}' inside braces needs a backslash`
      } else {
        value += character
      }
    }
    return "the brace is not closed"
  }

  private range(start: number): Read | string {
    const close = this.url.indexOf("]", start)
    if (close < 0) {
      return "the bracket is not closed"
    }
    const content = this.url.slice(start + 1, close)
    const [, firstNumber, lastNumber, firstLetter, lastLetter, stepText = "1"] = rangePattern.exec(content) ?? []
    const from = firstNumber ?? firstLetter
    const to = lastNumber ?? lastLetter
    if (from === undefined || to === undefined) {
      return rangeRule
    }
    const step = Number(stepText)
    const isOfLetters = firstLetter !== undefined
    const [first, last] = isOfLetters ? [from.charCodeAt(0), to.charCodeAt(0)] : [Number(from), Number(to)]
    const isOneCase = !isOfLetters || isLower(from) === isLower(to)
    if (first > last || step === 0 || !isOneCase) {
      return !isOneCase
        ? "a range of letters has letters of one case"
        : step === 0
          ? "the step of a range is not 0"
          : "a range begins with its smallest value"
    }
    // As many digits as the first number, if that begins with a zero.
    const digits = from.startsWith("0") ? from.length : 1
    const at = isOfLetters
      ? (index: number) => String.fromCharCode(first + index * step)
      : (index: number) => `${first + index * step}`.padStart(digits, "0")
    return { pattern: { count: Math.floor((last - first) / step) + 1, at }, end: close + 1 }
  }
}

interface Read {
  readonly pattern: Pattern
  /** The index after the pattern. */
  readonly end: number
}

// Numbers of up to 15 digits are exact.
const rangePattern = /^(?:(\d{1,15})-(\d{1,15})|([A-Za-z])-([A-Za-z]))(?::(\d{1,15}))?$/

const isLower = (letter: string): boolean => letter === letter.toLowerCase()
