/**
 * Measures text in terminal columns, and clips text to a number of columns.
 */
import stringWidth from "string-width"

const ellipsis = "…"

// In ASCII without controls, each character has one column. Most text is, and is drawn often.
const printableAscii = /^[ -~]*$/

export const displayWidth = (text: string): number => (printableAscii.test(text) ? text.length : stringWidth(text))

/** Clips the text between two characters to at most `columns` columns. An ellipsis replaces what was cut off. */
export const clip = (text: string, columns: number): string => {
  if (columns <= 0) {
    return ""
  }
  if (text.length <= columns && printableAscii.test(text)) {
    return text
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
