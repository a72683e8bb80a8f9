/**
 * Removes these characters from the end of a text, in linear time, and keeps at least the first `minLength` characters. A
 * regular expression such as `/\/+$/` takes quadratic time for a long run of them.
 */
export const trimEnd = (text: string, characters: string, minLength = 0): string => {
  let end = text.length
  while (end > minLength && characters.includes(text.charAt(end - 1))) {
    end--
  }
  return text.slice(0, end)
}
