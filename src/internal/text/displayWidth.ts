/**
 * How many columns a text takes on a terminal, and the longest part of it that fits.
 *
 * @internal
 */
import stringWidth from "string-width"

const ellipsis = "…"

export const displayWidth = (text: string): number => stringWidth(text)

/** The text cut between two characters to at most `columns`, with an ellipsis where something was left out. */
export const clip = (text: string, columns: number): string => {
  if (columns <= 0) {
    return ""
  }
  let width = 0
  // The part that leaves room for the ellipsis.
  let kept = 0
  for (const { index, segment } of new Intl.Segmenter().segment(text)) {
    const next = width + displayWidth(segment)
    if (next > columns) {
      return `${text.slice(0, kept)}${ellipsis}`
    }
    width = next
    if (width < columns) {
      kept = index + segment.length
    }
  }
  return text
}
