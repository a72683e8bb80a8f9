/**
 * Which bytes of how many a partial response has (RFC 9110 §14.4).
 *
 * @internal
 */
export interface ContentRange {
  readonly startBytes: number
  /** Inclusive. */
  readonly endBytes: number
  readonly totalBytes: number | undefined
}

export const contentRange = (value: string | undefined): ContentRange | undefined => {
  const match = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/i.exec(value?.trim() ?? "")
  if (match === null) {
    return undefined
  }
  const range = {
    startBytes: Number(match[1]),
    endBytes: Number(match[2]),
    totalBytes: match[3] === "*" ? undefined : Number(match[3])
  }
  const isWhole = range.startBytes <= range.endBytes && range.endBytes < (range.totalBytes ?? Number.POSITIVE_INFINITY)
  return isWhole ? range : undefined
}

/** The total that a response says which could not satisfy a range (RFC 9110 §15.5.17). */
export const unsatisfiedTotal = (value: string | undefined): number | undefined => {
  const match = /^bytes \*\/(\d{1,15})$/i.exec(value?.trim() ?? "")
  return match === null ? undefined : Number(match[1])
}
