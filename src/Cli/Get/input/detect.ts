/**
 * Tells the format of a list by its first line that is neither blank nor a comment. Text that looks like nothing else is a list of
 * URLs.
 */
import * as ChecksumLine from "./formats/checksumLine.js"
import * as Record from "./formats/record.js"

export type Detected =
  | {
      readonly _tag: "Urls"
      /** True if this line is the name of the only column. */
      readonly isHeading: boolean
    }
  | { readonly _tag: "Json" }
  | { readonly _tag: "Checksums" }
  | { readonly _tag: "Table"; readonly delimiter: string }
  /** Text of another kind, and what to do about it. */
  | { readonly _tag: "Refused"; readonly problem: string }

/** Returns undefined if the line is blank or a comment. */
export const detect = (line: string): Detected | undefined => {
  const text = line.trim()
  if (text === "" || text.startsWith("#")) {
    return undefined
  }
  if (text.startsWith("{")) {
    return { _tag: "Json" }
  }
  if (text.startsWith("[")) {
    return { _tag: "Refused", problem: "it is a JSON array; write one object a line, for example with jq -c '.[]'" }
  }
  if (text.startsWith("<")) {
    return { _tag: "Refused", problem: "it is HTML or XML, and not a list of URLs" }
  }
  // The first bytes of files of gzip, zstd and xz, decoded as UTF-8.
  if (/^(?:\u001f\ufffd|\(\ufffd\/\ufffd|\ufffd7zXZ)/.test(text)) {
    return { _tag: "Refused", problem: "it is compressed; pipe it from zcat, zstdcat or xzcat to --input -" }
  }
  if (ChecksumLine.parse(text) !== undefined) {
    return { _tag: "Checksums" }
  }
  if (Record.isUrlKey(text)) {
    return { _tag: "Urls", isHeading: true }
  }
  const delimiter = text.includes("://") ? undefined : delimiters.find((candidate) => hasUrlColumn(text, candidate))
  return delimiter === undefined ? { _tag: "Urls", isHeading: false } : { _tag: "Table", delimiter }
}

const delimiters = [",", "\t", ";"]

const hasUrlColumn = (text: string, delimiter: string): boolean =>
  text.split(delimiter).some((name) => Record.isUrlKey(name.trim().replace(/^"([^"]*)"$/, "$1")))
