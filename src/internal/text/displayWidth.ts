/**
 * Measures text in terminal columns, and clips text to a number of columns.
 */
import stringWidth from "string-width"

const ellipsis = "…"

export const displayWidth = (text: string): number => stringWidth(text)

/** Clips the text between two characters to at most `columns` columns. An ellipsis replaces what was cut off. */
export const clip = (text: string, columns: number): string => {
  if (columns <= 0) {
    return ""
  }
  let width = 0
  let lengthBeforeEllipsis = 0
  for (const { index, segment } of new Intl.Segmenter().segment(text)) {
    width += displayWidth(segment)
    if (width > columns) {
      return `${text.slice(0, lengthBeforeEllipsis)}${ellipsis}`
    }
    if (width < columns) {
      lengthBeforeEllipsis = index + segment.length
    }
  }
  return text
}
