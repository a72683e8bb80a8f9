/**
 * How many columns a text takes on a terminal, and the longest part of it that fits.
 *
 * @internal
 */
import measure from "fast-string-truncated-width"

const ellipsis = "…"

export const displayWidth = (text: string): number => measure(text).width

/** The text cut to at most `columns`, with an ellipsis where something was left out. */
export const clip = (text: string, columns: number): string => {
  if (columns <= 0) {
    return ""
  }
  const fit = measure(text, { limit: columns, ellipsis })
  return fit.truncated ? `${text.slice(0, fit.index)}${fit.ellipsed ? ellipsis : ""}` : text
}
