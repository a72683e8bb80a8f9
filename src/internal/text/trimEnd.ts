/**
 * Removes characters from the end of a text in linear time. A regular expression such as `/\/+$/` would take quadratic time for
 * long runs of them.
 *
 * @internal
 */
export const trimEnd = (text: string, characters: string, fromIndex = 0): string => {
  let end = text.length
  while (end > fromIndex && characters.includes(text.charAt(end - 1))) {
    end--
  }
  return text.slice(0, end)
}
