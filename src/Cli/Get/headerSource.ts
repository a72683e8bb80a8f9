/**
 * Parses the value of `--header` of `halyard get`.
 */
import * as Either from "effect/Either"

/** The value of `--header`: a header, or a file of headers. */
export type Source =
  | { readonly _tag: "Line"; readonly text: string }
  /** A file with a header on each line. */
  | { readonly _tag: "File"; readonly path: string }

/** Reads `NAME:VALUE` or `@FILE`. The value may be a secret, and no error shows it. */
export const source = (text: string): Either.Either<Source, string> =>
  text.startsWith("@") && text.length > 1
    ? Either.right({ _tag: "File", path: text.slice(1) })
    : isHeader(text)
      ? Either.right({ _tag: "Line", text })
      : Either.left("--header NAME:VALUE must have a name and a colon, or be @FILE")

export const isHeader = (text: string): boolean => /^[^\s:]+:/.test(text)
