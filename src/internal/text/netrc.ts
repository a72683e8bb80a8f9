/**
 * Parses the text of a netrc file, as ftp, curl and Python read it.
 */
import * as Either from "effect/Either"

/** The credentials for one host. */
export interface Entry {
  /** In lower case. Undefined for `default`. */
  readonly machine: string | undefined
  readonly login?: string
  readonly password?: string
}

/** Finds the first entry for a host, or else the entry `default`. */
export const find = (entries: ReadonlyArray<Entry>, host: string): Entry | undefined =>
  entries.find(({ machine }) => machine === host.toLowerCase()) ?? entries.find(({ machine }) => machine === undefined)

/** Returns the entries, or the number of the wrong line and its rule. The rule has no text of the file, which may be a password. */
export const parse = (text: string): Either.Either<ReadonlyArray<Entry>, string> => {
  const reader = new Reader(text.startsWith("\ufeff") ? text.slice(1) : text)
  const entries: Array<Entry> = []
  let entry: { -readonly [key in keyof Entry]: Entry[key] } | undefined
  const wrong = (rule: string) => Either.left(`line ${reader.line}: ${rule}`)
  for (let word = reader.next(); word !== undefined; word = reader.next()) {
    if (word.startsWith("#")) {
      reader.skipLine()
      continue
    }
    if (word === "macdef") {
      reader.skipMacro()
      continue
    }
    if (word === "default") {
      entry = { machine: undefined }
      entries.push(entry)
      continue
    }
    if (!isKeyword(word)) {
      return wrong("it has a word that is none of machine, default, login, password, account and macdef")
    }
    const value = reader.next()
    if (value === undefined) {
      return wrong(reader.isUnclosed ? "a quotation mark is not closed" : `${word} has no value`)
    }
    if (word === "machine") {
      entry = { machine: value.toLowerCase() }
      entries.push(entry)
    } else if (entry === undefined) {
      return wrong(`${word} comes before the first machine`)
    } else if (word !== "account") {
      entry[word] = value
    }
  }
  return reader.isUnclosed ? wrong("a quotation mark is not closed") : Either.right(entries)
}

type Keyword = "machine" | "login" | "password" | "account"

const keywords: ReadonlySet<string> = new Set(["machine", "login", "password", "account"] satisfies Array<Keyword>)

const isKeyword = (word: string): word is Keyword => keywords.has(word)

const escapes: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t" }

const isSpace = (character: string | undefined): boolean => character !== undefined && /\s/.test(character)

/** Reads words, which white space separates. A word in quotation marks may contain white space and escapes. */
class Reader {
  /** The line of the last word, from 1. */
  line = 1
  isUnclosed = false
  private at = 0

  constructor(private readonly text: string) {}

  next(): string | undefined {
    while (isSpace(this.text[this.at])) {
      this.advance()
    }
    if (this.at >= this.text.length) {
      return undefined
    }
    return this.text[this.at] === '"' ? this.quoted() : this.plain()
  }

  skipLine(): void {
    while (this.at < this.text.length && this.text[this.at] !== "\n") {
      this.at++
    }
  }

  /** Skips a macro, which an empty line ends. */
  skipMacro(): void {
    do {
      this.skipLine()
      this.advance()
    } while (this.at < this.text.length && !/^\r?(?:\n|$)/.test(this.text.slice(this.at, this.at + 2)))
  }

  private plain(): string {
    const start = this.at
    while (this.at < this.text.length && !isSpace(this.text[this.at])) {
      this.at++
    }
    return this.text.slice(start, this.at)
  }

  private quoted(): string | undefined {
    const characters: Array<string> = []
    this.at++
    while (this.at < this.text.length && this.text[this.at] !== '"') {
      const isEscaped = this.text[this.at] === "\\"
      this.at += isEscaped ? 1 : 0
      const character = this.text[this.at] ?? ""
      characters.push(isEscaped ? (escapes[character] ?? character) : character)
      this.advance()
    }
    if (this.at >= this.text.length) {
      this.isUnclosed = true
      return undefined
    }
    this.at++
    return characters.join("")
  }

  private advance(): void {
    this.line += this.text[this.at] === "\n" ? 1 : 0
    this.at++
  }
}
