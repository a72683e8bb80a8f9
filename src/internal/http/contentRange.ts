/**
 * Parses `Content-Range` (RFC 9110 §14.4).
 */
export interface ContentRange {
  readonly startBytes: number
  /** Inclusive. */
  readonly endBytes: number
  /** Undefined if the server does not know the length of the whole file. */
  readonly totalBytes: number | undefined
}

export const parseContentRange = (value: string | undefined): ContentRange | undefined => {
  const match = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/i.exec(value?.trim() ?? "")
  if (match === null) {
    return undefined
  }
  const range = {
    startBytes: Number(match[1]),
    endBytes: Number(match[2]),
    totalBytes: match[3] === "*" ? undefined : Number(match[3])
  }
  const isValid = range.startBytes <= range.endBytes && range.endBytes < (range.totalBytes ?? Number.POSITIVE_INFINITY)
  return isValid ? range : undefined
}

/** Returns the length of the whole file from the `Content-Range` of a 416 response (RFC 9110 §15.5.17). */
export const parseUnsatisfiedRange = (value: string | undefined): number | undefined => {
  const match = /^bytes \*\/(\d{1,15})$/i.exec(value?.trim() ?? "")
  return match === null ? undefined : Number(match[1])
}
