/**
 * Reads tables: comma-separated values (RFC 4180), or values separated by tabs or semicolons. The first row has the names of the
 * columns.
 */
import * as Either from "effect/Either"
import type Papa from "papaparse"
import { type Entries, type Format, type Line, tooLong } from "../item.js"
import * as Record from "./record.js"

const rowAtMostLength = 64 * 1024

type Parse = (text: string) => Papa.ParseResult<Array<string>>

export class Table implements Format {
  private columns: ReadonlyArray<string> | undefined
  /** The lines of a row whose quotation mark is not closed. */
  private begun = ""
  private firstLine = 0
  private isOpen = false
  private readonly parse: Parse

  constructor(
    papa: typeof Papa,
    delimiter: string,
    private readonly entries: Entries
  ) {
    this.parse = (text) => papa.parse<Array<string>>(text, { delimiter, newline: "\n" })
  }

  line({ isCut, number, text }: Line): void {
    if (this.begun === "" && !this.isOpen) {
      if (text.trim() === "" || (this.columns === undefined && text.trimStart().startsWith("#"))) {
        return
      }
      this.firstLine = number
      this.begun = text
    } else {
      this.begun += `\n${text}`
    }
    if (hasOddQuotes(text)) {
      this.isOpen = !this.isOpen
    }
    if (isCut || (this.isOpen && this.begun.length > rowAtMostLength)) {
      this.refuse(number, isCut ? tooLong : "its quotation mark is not closed within 64 KiB")
    } else if (!this.isOpen) {
      this.row(this.begun)
      this.begun = ""
    }
  }

  pause(): void {}

  end(): void {
    if (this.isOpen) {
      this.refuse(this.firstLine, "its quotation mark is not closed")
    }
  }

  isWaiting(): boolean {
    return false
  }

  private refuse(lastLine: number, problem: string): void {
    const others = lastLine > this.firstLine ? `, and the lines up to ${lastLine} are lost` : ""
    this.entries.refuse(this.firstLine, problem + others)
    this.begun = ""
    this.isOpen = false
  }

  private row(text: string): void {
    const { data, errors } = this.parse(text)
    const cells = data[0] ?? []
    if (errors.some(({ type }) => type === "Quotes")) {
      this.entries.refuse(this.firstLine, "its quotation marks do not come in pairs around a value")
    } else if (this.columns === undefined) {
      this.columns = cells
    } else if (cells.length > this.columns.length && cells.slice(this.columns.length).some((cell) => cell !== "")) {
      this.entries.refuse(
        this.firstLine,
        `it has ${cells.length} values, and the first row has ${this.columns.length} names`
      )
    } else {
      const read = Record.read(
        this.columns.map((column, index) => [column, cells[index]]),
        this.entries.ignore
      )
      if (Either.isLeft(read)) {
        this.entries.refuse(this.firstLine, read.left)
      } else {
        this.entries.item(this.firstLine, read.right.url, read.right.fields)
      }
    }
  }
}

const hasOddQuotes = (text: string): boolean => {
  let isOdd = false
  for (let at = text.indexOf('"'); at >= 0; at = text.indexOf('"', at + 1)) {
    isOdd = !isOdd
  }
  return isOdd
}
