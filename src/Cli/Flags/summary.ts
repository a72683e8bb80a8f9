/**
 * What `halyard flags` prints: the origin and the flags, each flag when it completes, and the counts.
 */
import * as Effect from "effect/Effect"
import * as Download from "../../Download.js"
import type { DownloadEvent } from "../../DownloadEvent.js"
import * as Lines from "../../EventLine/lines.js"
import { displayUrl } from "../../internal/text/displayUrl.js"
import { StatusLine } from "../../StatusLine.js"
import type * as TerminalProgress from "../../TerminalProgress.js"
import { Host } from "../Host.js"
import type { Progress } from "../run/display.js"
import * as RunDisplay from "../run/runDisplay.js"

export interface Summary {
  readonly begin: Effect.Effect<void>
  readonly event: (event: DownloadEvent) => Effect.Effect<void>
  readonly display: TerminalProgress.Content
  /** The counts so far. */
  readonly current: () => Download.RunReport
  /** Prints the end of the summary. Flags without an outcome are counted as not started. */
  readonly conclude: (elapsedSeconds: number) => Effect.Effect<void>
  /** How the lines of `--json` name the flags. */
  readonly lineOptions: Lines.LineOptions
}

export interface SummaryOptions {
  readonly label: string
  readonly baseUrl: string
  readonly requests: ReadonlyArray<Download.DownloadRequest>
  readonly concurrency: number
  readonly verbose: boolean
  readonly json: boolean
  readonly progress: Progress
  /** The version of the program. */
  readonly version: string
}

export const make = (options: SummaryOptions): Effect.Effect<Summary, never, Host | StatusLine> =>
  Effect.map(
    Effect.all([Host, StatusLine, Effect.clock, runDisplay(options)]),
    ([host, statusLine, clock, display]) => {
      const time = () => clock.unsafeCurrentTimeMillis()
      const positions = new Map(options.requests.map(({ id }, index) => [id, index + 1]))
      const lineOptions: Lines.LineOptions = {
        indexOf: ({ id }) => positions.get(id) ?? 0,
        codeOf: ({ id }) => id
      }
      const total = options.requests.length
      let report = Download.emptyReport
      const outstanding = new Map(options.requests.map((request) => [request.id, request]))
      let column = 0

      const write = (text: string) =>
        Effect.sync(() => {
          if (host.stdout.isScreen) {
            statusLine.print(text, host.stdout.write)
          } else {
            host.stdout.write(text)
          }
        })

      // Without a terminal, there is one row of codes.
      const code = (text: string) => {
        const room = host.stdout.isTerminal ? Math.max(1, statusLine.columns() - 3) : Number.POSITIVE_INFINITY
        const wrap = column > 0 && column + text.length > room
        column = (wrap ? 0 : column) + text.length + 1
        return write(`${wrap ? "\n" : ""}${text} `)
      }

      const item = (outcome: Download.DownloadOutcome): Effect.Effect<void> => {
        if (options.json) {
          return write(Lines.toText(Lines.fromOutcome(outcome, time(), lineOptions)))
        }
        if (options.verbose) {
          return write(`${verboseLine(outcome)}\n`)
        }
        return outcome._tag === "Saved" ? code(outcome.request.id) : Effect.void
      }

      // If failed flags have no line each, each reason is printed once.
      const reasons = new Map<string, number>()
      const printReasons = Effect.sync(() => {
        for (const [reason, count] of Array.from(reasons).slice(0, reasonsAtMost)) {
          statusLine.line(`${count} ${plural(count, "error")}: ${reason}`)
        }
        if (reasons.size > reasonsAtMost) {
          statusLine.line(`${reasons.size - reasonsAtMost} other kinds of error; use --verbose to see them`)
        }
      })

      const onOutcome = (outcome: Download.DownloadOutcome): Effect.Effect<void> =>
        Effect.suspend(() => {
          outstanding.delete(outcome.request.id)
          report = Download.addOutcome(report, outcome)
          if (outcome._tag === "Failed" && !Download.isNotFound(outcome.error) && !options.verbose && !options.json) {
            reasons.set(outcome.error.message, (reasons.get(outcome.error.message) ?? 0) + 1)
          }
          return item(outcome)
        })

      return {
        begin: Effect.suspend(() =>
          write(
            options.json
              ? Lines.toText(Lines.run("flags", options.version, time())) +
                  Lines.toText({ event: "Expected", atMillis: time(), files: total })
              : `${headLines(options).join("\n")}\n`
          )
        ),
        event: (event) => {
          display.receive(event)
          if (event._tag === "Responded") {
            return Effect.void
          }
          return event._tag === "Finished"
            ? onOutcome(event.outcome)
            : options.json
              ? write(Lines.toText(Lines.fromEvent(event, lineOptions)))
              : Effect.void
        },
        display: {
          ...display,
          // The rows begin below the codes.
          rows: (frame) => `${host.stdout.isScreen && column > 0 ? "\n" : ""}${display.rows(frame)}`
        },
        conclude: (elapsedSeconds) =>
          Effect.forEach(
            outstanding.values(),
            (request) => onOutcome(new Download.Cancelled({ request, attempts: 0 })),
            {
              discard: true
            }
          ).pipe(
            Effect.zipRight(
              Effect.suspend(() =>
                write(
                  options.json
                    ? Lines.toText(Lines.report(report, elapsedSeconds * 1000, time()))
                    : `${column > 0 ? "\n" : ""}${reportLines(report, total, elapsedSeconds, options.verbose).join("\n")}\n`
                )
              )
            ),
            Effect.zipRight(printReasons)
          ),
        current: () => report,
        lineOptions
      }
    }
  )

const runDisplay = ({ progress, requests }: SummaryOptions) =>
  RunDisplay.make({ isShown: progress !== "none", label: "downloading flags", expected: requests.length })

const reasonsAtMost = 3

const plural = (count: number, noun: string): string => (count === 1 ? noun : `${noun}s`)

const headLines = ({ baseUrl, concurrency, label, requests }: SummaryOptions): ReadonlyArray<string> => {
  const codes = requests.map((request) => request.id)
  const which = codes.length <= 10 ? codes.join(", ") : `from ${codes[0]} to ${codes[codes.length - 1]}`
  return [
    `${label} site: ${displayUrl(baseUrl).replace(/\/$/, "")}`,
    `Searching for ${codes.length} ${plural(codes.length, "flag")}: ${which}`,
    concurrency === 1 ? "1 connection will be used." : `${concurrency} concurrent connections will be used.`
  ]
}

const verboseLine = (outcome: Download.DownloadOutcome): string => {
  const code = outcome.request.id
  switch (outcome._tag) {
    case "Saved":
      return `${code} OK`
    case "Skipped":
      return `${code} skipped`
    case "NotModified":
      return `${code} unchanged`
    case "Cancelled":
      return `${code} ${Download.isNotStarted(outcome) ? "not started" : "cancelled"}`
    case "Failed":
      return Download.isNotFound(outcome.error)
        ? `${code} not found: ${displayUrl(outcome.request.url)}`
        : `${code} error: ${outcome.error.message}`
  }
}

/** One line if all flags were saved and --verbose is absent, else the count of each outcome. */
const reportLines = (
  report: Download.RunReport,
  total: number,
  elapsedSeconds: number,
  verbose: boolean
): ReadonlyArray<string> => {
  const elapsed = `${elapsedSeconds.toFixed(2)}s`
  if (report.saved === total && !verbose) {
    return [`${report.saved} ${plural(report.saved, "flag")} downloaded in ${elapsed}`]
  }
  const count = (value: number, text: string) => (value === 0 ? [] : [`${String(value).padStart(3)} ${text}`])
  const errors = report.failed - report.notFound
  return [
    "-".repeat(20),
    `${String(report.saved).padStart(3)} ${plural(report.saved, "flag")} downloaded.`,
    ...count(report.notFound, "not found."),
    ...count(errors, `${plural(errors, "error")}.`),
    ...count(report.cancelled, "cancelled."),
    ...count(report.notStarted, "not started."),
    `Elapsed time: ${elapsed}`
  ]
}
