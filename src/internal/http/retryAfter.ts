/**
 * How long a server asks to be left alone (RFC 9110 §10.2.3): seconds, or an HTTP date in one of its three forms (§5.6.7).
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

/** In milliseconds from now on; 0 for a date in the past, undefined for what is neither form. */
export const parseRetryAfter = (value: string | undefined, nowMillis: number): number | undefined => {
  const text = value?.trim() ?? ""
  if (/^\d+$/.test(text)) {
    return Math.min(Number(text) * 1000, Number.MAX_SAFE_INTEGER)
  }
  const at = parseHttpDate(text, nowMillis)
  return at === undefined ? undefined : Math.max(0, at - nowMillis)
}

/** An HTTP date in milliseconds since 1970. */
export const parseHttpDate = (text: string, nowMillis: number): number | undefined => {
  for (const { form, order } of forms) {
    const match = form.exec(text)
    if (match !== null) {
      const [day, month, year, time = ""] = order.map((group) => match[group] ?? "")
      const [hours, minutes, seconds] = time.split(":").map(Number)
      const at = Date.UTC(
        yearOf(year ?? "", nowMillis),
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

// Two digits of a year that would be more than fifty years ahead are of the last century (RFC 9110 §5.6.7).
const yearOf = (text: string, nowMillis: number): number => {
  if (text.length === 4) {
    return Number(text)
  }
  const thisYear = new Date(nowMillis).getUTCFullYear()
  const year = Math.floor(thisYear / 100) * 100 + Number(text)
  return year > thisYear + 50 ? year - 100 : year
}
