// Numbers for people.
import type { Outcome, Phase } from "../src/RunRecord/data.js"

export { displaySize as size } from "../src/internal/text/displaySize.js"
export { phaseNames } from "../src/RunRecord/phaseNames.js"

const whole = new Intl.NumberFormat("en")

export const count = (value: number): string => whole.format(value)

export const plural = (value: number, noun: string): string => `${count(value)} ${noun}${value === 1 ? "" : "s"}`

/** A time: `35 ms`, `1.25 s`, `2 min 5 s`. */
export const time = (millis: number): string => {
  if (millis < 1000) {
    return `${Math.round(millis)} ms`
  }
  if (millis < 60_000) {
    return `${(millis / 1000).toFixed(millis < 10_000 ? 2 : 1)} s`
  }
  const seconds = Math.round(millis / 1000)
  const minutes = Math.floor(seconds / 60)
  return minutes < 60 ? `${minutes} min ${seconds % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

/** A duration that may be unknown. */
export const duration = (millis: number): string => (millis < 0 ? "–" : time(millis))

const charactersAtMost = 32

/** The end of a text, which has what tells a file from its neighbours. */
export const end = (text: string): string => {
  // A pair of surrogates is not cut.
  const last = Array.from(text.slice(-2 * charactersAtMost - 2))
  return last.length <= charactersAtMost ? text : `…${last.slice(1 - charactersAtMost).join("")}`
}

/** The percentages of parts. The whole numbers add up to 100. */
export const percents = (parts: ReadonlyArray<number>): ReadonlyArray<string> => {
  const all = parts.reduce((sum, part) => sum + part, 0)
  const exact = parts.map((part) => (all === 0 ? 0 : (100 * part) / all))
  const found = exact.map(Math.floor)
  const missing = all === 0 ? 0 : 100 - found.reduce((sum, part) => sum + part, 0)
  const byRemainder = [...exact.keys()].sort((one, other) => remainder(exact[other]) - remainder(exact[one]))
  for (const index of byRemainder.slice(0, missing)) {
    found[index] = (found[index] ?? 0) + 1
  }
  return found.map((part, index) => (part === 0 && (parts[index] ?? 0) > 0 ? "< 1 %" : `${part} %`))
}

const remainder = (value = 0): number => value - Math.floor(value)

/** What the name of the phase does not say. */
export const permitNote =
  "the transfer waits because of -c, --per-origin, --rate, a pause of the origin, or an origin that is overloaded"

export const phases: ReadonlyArray<Phase> = [
  "permit",
  "lookup",
  "connect",
  "tls",
  "firstByte",
  "body",
  "delay",
  "finish"
]

export const outcomeNames: { readonly [outcome in Outcome]: string } = {
  saved: "saved",
  skipped: "skipped",
  notModified: "unchanged",
  failed: "failed",
  cancelled: "cancelled",
  notStarted: "not started",
  unfinished: "unfinished"
}
