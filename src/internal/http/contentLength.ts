/**
 * Parses `Content-Length` (RFC 9110 §8.6). Returns undefined if the value is missing or is not a number of bytes.
 */
export const contentLength = (headers: Readonly<Record<string, string | undefined>>): number | undefined => {
  const value = headers["content-length"]?.trim()
  if (value === undefined || !/^\d{1,16}$/.test(value)) {
    return undefined
  }
  const bytes = Number(value)
  return Number.isSafeInteger(bytes) ? bytes : undefined
}
