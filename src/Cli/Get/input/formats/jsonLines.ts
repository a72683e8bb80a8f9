/**
 * Reads NDJSON: one object on each line. Blank lines, and lines that begin with #, are left out.
 */
import * as Either from "effect/Either"
import { type Entries, type Format, type Line, tooLong } from "../item.js"
import * as Record from "./record.js"

export class JsonLines implements Format {
  constructor(private readonly entries: Entries) {}

  line({ isCut, number, text }: Line): void {
    const trimmed = text.trim()
    if (trimmed === "" || trimmed.startsWith("#")) {
      return
    }
    const read = isCut
      ? Either.left(tooLong)
      : Either.flatMap(parse(trimmed), (pairs) => Record.read(pairs, this.entries.ignore))
    if (Either.isLeft(read)) {
      this.entries.refuse(number, read.left)
    } else {
      this.entries.item(number, read.right.url, read.right.fields)
    }
  }

  pause(): void {}

  end(): void {}

  isWaiting(): boolean {
    return false
  }
}

// The error of `JSON.parse` shows a part of the text, which may be a secret.
const parse = (text: string): Either.Either<ReadonlyArray<readonly [string, unknown]>, string> =>
  Either.flatMap(Either.try({ try: (): unknown => JSON.parse(text), catch: () => "it is not valid JSON" }), (value) =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? Either.right(Object.entries(value))
      : Either.left("it is not a JSON object")
  )
