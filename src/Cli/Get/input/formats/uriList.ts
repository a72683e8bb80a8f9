/**
 * Reads plain lists and aria2's input files, which are one format: a URL on each line, further URLs of the same file after tabs,
 * and indented lines such as `out=name` that belong to the URL above them.
 *
 * A # at the start of a line or after white space begins a comment. Any other # is part of the URL.
 */
import { joinValues } from "../../../../Download/requestHeaders.js"
import { type Entries, type Fields, type Format, type Line, noFields, tooLong } from "../item.js"

interface Held {
  readonly line: number
  readonly url: string
  fields: Fields
}

export class UriList implements Format {
  /** The URL whose options may follow. */
  private held: Held | undefined
  /** True if the options of the last URL came too late, or belong to no URL. */
  private isLate = false

  constructor(private readonly entries: Entries) {}

  line(line: Line): void {
    const option = line.isCut ? undefined : optionOf(line.text)
    if (option !== undefined) {
      this.option(line.number, ...option)
      return
    }
    const text = withoutComment(line.text)
    if (text === "") {
      return
    }
    this.pause()
    if (line.isCut && !comment.test(line.text)) {
      this.entries.refuse(line.number, tooLong)
      return
    }
    this.isLate = false
    const tab = text.indexOf("\t")
    this.held =
      tab < 0
        ? { line: line.number, url: text, fields: noFields }
        : { line: line.number, url: text.slice(0, tab).trim(), fields: mirrorsOf(text.slice(tab + 1)) }
  }

  pause(): void {
    const { held } = this
    if (held !== undefined) {
      this.held = undefined
      this.entries.item(held.line, held.url, held.fields)
    }
  }

  end(): void {
    this.pause()
  }

  isWaiting(): boolean {
    return this.held !== undefined
  }

  private option(line: number, key: string, value: string): void {
    const { held } = this
    if (held !== undefined) {
      const fields = withOption(held.fields, key, value)
      if (fields === undefined) {
        this.entries.ignore(key)
      } else {
        held.fields = fields
      }
    } else if (!this.isLate) {
      // One failure for all lines of an item.
      this.isLate = true
      this.entries.refuse(line, `${key}= came without a URL above it, or half a second after it`)
    }
  }
}

/** Whether a line that is not too long is an item, and not an option, a comment or blank. */
export const isItem = (line: string): boolean => optionOf(line) === undefined && withoutComment(line) !== ""

const comment = /(?:^|\s)#/

const withoutComment = (line: string): string => {
  const at = line.search(comment)
  return (at < 0 ? line : line.slice(0, at)).trim()
}

const optionOf = (text: string): readonly [key: string, value: string] | undefined => {
  const first = text.charCodeAt(0)
  if (first !== space && first !== tabulator) {
    return undefined
  }
  const option = text.trim()
  const at = option.indexOf("=")
  return at > 0 && /^[A-Za-z\d-]+$/.test(option.slice(0, at))
    ? [option.slice(0, at), option.slice(at + 1).trim()]
    : undefined
}

const space = 0x20
const tabulator = 0x09

const mirrorsOf = (text: string): Fields => {
  const mirrors = text.split("\t").flatMap((url) => (url.trim() === "" ? [] : [url.trim()]))
  return mirrors.length === 0 ? noFields : { mirrors }
}

/** The names of the options are aria2's. Returns undefined if halyard has no such option of a file. */
const withOption = (fields: Fields, key: string, value: string): Fields | undefined => {
  switch (key) {
    case "out":
      return { ...fields, name: value }
    case "dir":
      return { ...fields, directory: value }
    case "checksum":
      return { ...fields, checksum: value }
    case "header":
      return withHeader(fields, value.slice(0, Math.max(0, value.indexOf(":"))), value.slice(value.indexOf(":") + 1))
    case "user-agent":
    case "referer":
      return withHeader(fields, key, value)
    default:
      return undefined
  }
}

const withHeader = (fields: Fields, name: string, value: string): Fields => ({
  ...fields,
  headers: joinValues([...Object.entries(fields.headers ?? {}), [name.trim(), value.trim()]])
})
