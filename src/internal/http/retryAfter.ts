/**
 * Parses `Retry-After` (RFC 9110 §10.2.3), and HTTP dates in their three forms (§5.6.7).
 */
const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

// The form that servers send. It is read by position, because named groups take ten times as long.
const preferred = /^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/

const forms = [
  /^[A-Z][a-z]+day, (?<day>\d\d)-(?<month>[A-Z][a-z]{2})-(?<year>\d\d) (?<time>\d\d:\d\d:\d\d) GMT$/,
  /^[A-Z][a-z]{2} (?<month>[A-Z][a-z]{2}) (?<day>[ \d]\d) (?<time>\d\d:\d\d:\d\d) (?<year>\d{4})$/
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
  if (preferred.test(text)) {
    const month = months.indexOf(text.slice(8, 11))
    const at = (start: number, end = start + 2) => Number(text.slice(start, end))
    return month === -1 ? undefined : Date.UTC(at(12, 16), month, at(5), at(17), at(20), at(23))
  }
  for (const form of forms) {
    const { day, month = "", time = "", year = "" } = form.exec(text)?.groups ?? {}
    if (months.includes(month)) {
      const [hours, minutes, seconds] = time.split(":").map(Number)
      return Date.UTC(fullYear(year, nowMillis), months.indexOf(month), Number(day), hours, minutes, seconds)
    }
  }
  return undefined
}

// A two-digit year that seems to be more than 50 years ahead is in the past century (RFC 9110 §5.6.7).
const fullYear = (text: string, nowMillis: number): number => {
  const thisYear = new Date(nowMillis).getUTCFullYear()
  const year = Number(text) + (text.length === 4 ? 0 : Math.floor(thisYear / 100) * 100)
  return text.length === 2 && year > thisYear + 50 ? year - 100 : year
}
