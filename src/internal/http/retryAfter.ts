/**
 * Parses `Retry-After` (RFC 9110 §10.2.3), and HTTP dates in their three forms (§5.6.7).
 *
 * @internal
 */
const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

const forms: ReadonlyArray<{
  readonly form: RegExp
  readonly order: readonly [day: number, month: number, year: number, time: number]
}> = [
  { form: /^[A-Z][a-z]{2}, (\d{2}) ([A-Z][a-z]{2}) (\d{4}) (\d{2}:\d{2}:\d{2}) GMT$/, order: [1, 2, 3, 4] },
  { form: /^[A-Z][a-z]+day, (\d{2})-([A-Z][a-z]{2})-(\d{2}) (\d{2}:\d{2}:\d{2}) GMT$/, order: [1, 2, 3, 4] },
  { form: /^[A-Z][a-z]{2} ([A-Z][a-z]{2}) ([ \d]\d) (\d{2}:\d{2}:\d{2}) (\d{4})$/, order: [2, 1, 4, 3] }
]

/**
 * Returns the delay in milliseconds from `nowMillis`, and 0 for a past date. Returns undefined if the value is neither a number
 * of seconds nor a date.
 */
export const parseRetryAfter = (value: string | undefined, nowMillis: number): number | undefined => {
  const text = value?.trim() ?? ""
  if (/^\d+$/.test(text)) {
    return Math.min(Number(text) * 1000, Number.MAX_SAFE_INTEGER)
  }
  const at = parseHttpDate(text, nowMillis)
  return at === undefined ? undefined : Math.max(0, at - nowMillis)
}

/** Returns an HTTP date in milliseconds since 1970. Returns undefined if the text is not a date. */
export const parseHttpDate = (text: string, nowMillis: number): number | undefined => {
  for (const { form, order } of forms) {
    const match = form.exec(text)
    if (match !== null) {
      const [day, month, year, time = ""] = order.map((group) => match[group] ?? "")
      const [hours, minutes, seconds] = time.split(":").map(Number)
      const at = Date.UTC(
        fullYear(year ?? "", nowMillis),
        months.indexOf(month ?? ""),
        Number(day),
        hours,
        minutes,
        seconds
      )
      return months.includes(month ?? "") && Number.isFinite(at) ? at : undefined
    }
  }
  return undefined
}

// A two-digit year that seems to be more than 50 years ahead is in the past century (RFC 9110 §5.6.7).
const fullYear = (text: string, nowMillis: number): number => {
  if (text.length === 4) {
    return Number(text)
  }
  const thisYear = new Date(nowMillis).getUTCFullYear()
  const year = Math.floor(thisYear / 100) * 100 + Number(text)
  return year > thisYear + 50 ? year - 100 : year
}
