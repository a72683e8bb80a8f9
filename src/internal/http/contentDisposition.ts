/**
 * The name of a file in a `Content-Disposition` field (RFC 6266, RFC 8187).
 */
import { parse } from "content-disposition"

/**
 * Returns the name as the server wrote it, or undefined if the field has none. Only the text after the last separator of the name
 * counts (RFC 6266 §4.3). The result is not safe as a file name.
 */
export const fileName = (field: string | undefined): string | undefined => {
  if (field === undefined || field.length > longestField) {
    return undefined
  }
  const { filename = "" } = parse(decoded(field)).parameters
  const name = filename.slice(Math.max(filename.lastIndexOf("/"), filename.lastIndexOf("\\")) + 1)
  return /^[.\s_]*$/.test(name) ? undefined : name
}

const longestField = 16 * 1024

/** The field in UTF-8, if its bytes are valid in it: many servers write the name without the coding of RFC 8187. */
const decoded = (field: string): string => {
  if (!/[\u0080-\u00ff]/.test(field) || /[^\u0000-\u00ff]/.test(field)) {
    return field
  }
  try {
    return utf8.decode(Uint8Array.from(field, (character) => character.charCodeAt(0)))
  } catch {
    return field
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true })
