/**
 * Measures text in terminal columns, and clips text to a number of columns.
 */
import stringWidth from "string-width"
import { withoutEscapes } from "./printable.js"

const ellipsis = "…"

// In ASCII without controls, each character has one column. Most text is, and is drawn often.
const printableAscii = /^[ -~]*$/

export const displayWidth = (text: string): number => (printableAscii.test(text) ? text.length : stringWidth(text))

/**
 * Clips the text between two characters to at most `columns` columns. An ellipsis replaces what was cut off. A text that is clipped
 * loses its colours.
 */
export const clip = (text: string, columns: number): string => {
  if (columns <= 0) {
    return ""
  }
  if (text.length <= columns && printableAscii.test(text)) {
    return text
  }
  if (text.includes("\u001b")) {
    return displayWidth(text) <= columns ? text : clip(withoutEscapes(text), columns)
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

const columnsForBeginning = 16

/**
 * Clips the text to at most `columns` columns, and keeps its end, and its beginning if there is room. An ellipsis replaces what was cut
 * out.
 */
export const clipMiddle = (text: string, columns: number): string => {
  if (displayWidth(text) <= columns) {
    return text
  }
  const characters = Array.from(new Intl.Segmenter().segment(text), ({ segment }) => segment)
  const tailWidth = columns < columnsForBeginning ? columns - 1 : Math.floor((columns * 2) / 3)
  let [width, start] = [0, characters.length]
  for (; start > 0 && width + displayWidth(characters[start - 1] ?? "") <= tailWidth; start--) {
    width += displayWidth(characters[start - 1] ?? "")
  }
  return `${clip(characters.slice(0, start).join(""), columns - width)}${characters.slice(start).join("")}`
}
