/**
 * Takes characters off the end of a text, in linear time: a regular expression such as `/\/+$/` tries each run of them
 * again from each of its characters.
 *
 * @internal
 */
export const withoutTrailing = (text: string, characters: string, fromIndex = 0): string => {
  let end = text.length
  while (end > fromIndex && characters.includes(text.charAt(end - 1))) {
    end--
  }
  return text.slice(0, end)
}
