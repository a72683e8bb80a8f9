/**
 * What `halyard get` prints: the path of each saved file, why others failed, and the counts at the end.
 */
import * as Effect from "effect/Effect"
import * as RequestProblem from "../../Download/requestProblem.js"
import * as Download from "../../Download.js"
import { type DownloadError, InvalidRequest } from "../../DownloadError.js"
import {
  type DownloadEvent,
  Finished,
  type MirrorGivenUp,
  type Paused,
  type Responded,
  type Retrying
} from "../../DownloadEvent.js"
import * as Lines from "../../EventLine/lines.js"
import type { EventLine } from "../../EventLine/schema.js"
import { displayUrl } from "../../internal/text/displayUrl.js"
import * as FileNames from "../../internal/text/fileNames.js"
import * as Printable from "../../internal/text/printable.js"
import * as Unvalidated from "../../internal/unvalidated.js"
import { isTransient } from "../../RetryPolicy.js"
import { Leftovers } from "../../RunRecord/leftovers.js"
import { leftoverSentences } from "../../RunRecord/leftoverText.js"
import { StatusLine } from "../../StatusLine.js"
import { Host } from "../Host.js"
import type { Progress } from "../run/display.js"
import * as RunDisplay from "../run/runDisplay.js"
import type { Refused } from "./items.js"
import { adviceFor } from "./summary/advice.js"
import { FailureCounts } from "./summary/failureCounts.js"
import { Notices } from "./summary/notices.js"
import { failureOf, RetryLines } from "./summary/retryLines.js"
import * as ShownUrls from "./summary/shownUrls.js"
import { Slowest } from "./summary/slowest.js"
import * as Sums from "./summary/sums.js"

export interface Summary {
  readonly event: (event: DownloadEvent) => Effect.Effect<void>
  /** Reports an item for which no request is sent, as a failure. */
  readonly refused: (index: number, item: Refused) => Finished
  /** Reports a URL whose file gets another name than the wanted one. */
  readonly renamed: (url: string, name: string, reason: string) => void
  /** Prints a line for the user, if there is one. */
  readonly note: (text: string | undefined) => void
  /** Takes the number of files of the whole run, when it becomes known. */
  readonly expect: (files: number) => void
  readonly display: RunDisplay.RunDisplay
  /** The counts so far. */
  readonly current: () => Download.RunReport
  /** What helps against the failures. `again` is the command that tries what failed. */
  readonly hints: (again: string | undefined) => ReadonlyArray<string>
  /** Prints the end of the summary. `again` is the command that tries what failed. */
  readonly conclude: (elapsedSeconds: number, again: string | undefined) => Effect.Effect<void>
}

export const make = (options: {
  readonly json: boolean
  readonly progress: Progress
  /** Print failures only. */
  readonly quiet: boolean
  /** Print each response, and no limited number of lines. */
  readonly verbose: boolean
  /** The list of the failed items, if the run writes one. */
  readonly failed: string | undefined
  /** Whether to print the path of each saved file. False if standard output gets the content. */
  readonly hasPaths: boolean
  /** Keep the secrets of URLs, in the lines for people too. */
  readonly showUrls: boolean
  /** The version of the program. */
  readonly version: string
}): Effect.Effect<Summary, never, Host | StatusLine> =>
  Effect.map(
    Effect.all([
      Host,
      StatusLine,
      Effect.clock,
      RunDisplay.make({ isShown: options.progress !== "none", label: "downloading" })
    ]),
    ([host, statusLine, clock, display]) => {
      const { json, quiet, verbose } = options
      const now = () => Number(clock.unsafeCurrentTimeNanos()) / 1e6
      const time = () => clock.unsafeCurrentTimeMillis()
      const urls = ShownUrls.make(options.showUrls)
      const retries = new RetryLines(now, urls, verbose ? Number.POSITIVE_INFINITY : undefined)
      const noticesAtMost = quiet ? 0 : verbose ? Number.POSITIVE_INFINITY : 20
      const skips = new Notices(statusLine, "skipped", noticesAtMost)
      const renames = new Notices(statusLine, "files with other names", noticesAtMost)
      const failures: Array<string> = []
      const counts = new FailureCounts()
      const slowest = verbose && !json ? new Slowest() : undefined
      const advice = new Set<string>()
      /** Whether a failure may pass. */
      let mayPass = false
      let report = Download.emptyReport
      let expected: number | undefined
      const leftovers = new Leftovers()

      const write = (text: () => string): void => {
        if (host.stdout.isScreen) {
          statusLine.printSoon(text())
        } else {
          host.stdout.writeSoon(text)
        }
      }

      /** Prints a line that is not a failure. */
      const say = (text: string): void => {
        if (!quiet) {
          statusLine.printSoon(`${text}\n`)
        }
      }

      const lineOptions = lineOptionsOf(options)
      let isBegun = false
      const beganAtMillis = time()

      const writeLine = (line: () => EventLine): void => {
        if (!isBegun) {
          write(() => Lines.toText(Lines.run("get", options.version, beganAtMillis)))
        }
        isBegun = true
        write(() => Lines.toText(line()))
      }

      const onResponse = ({ headers, status, url }: Responded): void =>
        say(
          [
            `${urls.given(url)}: ${status}`,
            ...Object.entries(headers).map(([name, value]) => `  ${name}: ${value}`)
          ].join("\n")
        )

      const onRetry = (event: Retrying): void => {
        const line = quiet ? undefined : retries.line(event)
        if (line !== undefined) {
          say(line)
        }
      }

      const onMirror = ({ error, mirror, request }: MirrorGivenUp): void => {
        if (verbose) {
          const from = urls.of(mirror, request)
          say(`${urls.given(request.url)}: no more parts of it from ${from}: ${error.message}`)
        }
      }

      const onPause = ({ origin, pauseMillis }: Paused): void => {
        const seconds = Math.ceil(pauseMillis / 1000)
        say(`${Printable.line(origin)}: the quota of requests is used up; no more requests for ${seconds} s`)
      }

      const advise = (error: DownloadError): void => {
        mayPass ||= isTransient(error)
        const hint = adviceFor(error)
        if (hint !== undefined && advice.size < adviceAtMost) {
          advice.add(hint)
        }
      }

      const onOutcome = ({ atMillis, outcome }: Finished, refused?: Refused): void => {
        report = Download.addOutcome(report, outcome)
        leftovers.add(outcome)
        if (outcome._tag === "Failed") {
          advise(outcome.error)
        }
        if (json) {
          if (!quiet || outcome._tag === "Failed") {
            writeLine(() => Lines.fromOutcome(outcome, atMillis, lineOptions, refused?.place))
          }
        } else if (outcome._tag === "Saved") {
          if (options.hasPaths && !quiet) {
            write(() => `${Printable.line(outcome.destination)}\n`)
          }
          const renamed = renamedLine(outcome, urls)
          if (renamed !== undefined) {
            renames.line(renamed)
          }
        } else if (outcome._tag === "Skipped") {
          const file = outcome.destination ?? outcome.request.destination
          // A file that is known to be right needs no line.
          if (outcome.reason === "exists" || options.verbose) {
            skips.line(`${Printable.line(file)}: ${skipReasons[outcome.reason]}`)
          }
        } else if (outcome._tag === "NotModified") {
          if (options.verbose) {
            const file = outcome.destination ?? outcome.request.destination
            skips.line(`${Printable.line(file)}: unchanged on the server`)
          }
        } else if (outcome._tag === "Failed") {
          const line =
            refused === undefined
              ? `${urls.given(outcome.request.url)}: ${failureOf(outcome.request, outcome.error, urls)}`
              : refusalOf(refused, urls)
          statusLine.printSoon(`${line}\n`)
          counts.add(outcome.error)
          if (failures.length < failuresAtMost) {
            failures.push(line)
          }
        }
      }

      const onText = (event: Exclude<DownloadEvent, Finished>): void => {
        switch (event._tag) {
          case "Responded":
            onResponse(event)
            break
          case "Retrying":
            onRetry(event)
            break
          case "MirrorGivenUp":
            onMirror(event)
            break
          case "Paused":
            onPause(event)
            break
        }
      }

      // At the end of a long run, the earlier lines have scrolled off the terminal, or stand far above in a log.
      const printFailures = (): void => {
        const hasOthers = Sums.total(report) > report.failed
        const red = (text: string) => (statusLine.hasColors ? `\u001b[31m${text}\u001b[39m` : text)
        if (failures.length > 0 && (hasOthers || (statusLine.isTerminal && report.failed > 1))) {
          const others = report.failed - failures.length
          const rest = others === 0 ? [] : [`  and ${others} more`]
          for (const line of [red(`${report.failed} failed:`), ...failures.map((failure) => `  ${failure}`), ...rest]) {
            statusLine.line(line)
          }
        }
        if (report.failed > failuresAtMost) {
          statusLine.line(`by reason: ${counts}`)
        }
      }

      /** After Ctrl-C or --fail-fast, a part of the input may not have been taken. The number of all files may not be known. */
      const whole = (): Download.RunReport => {
        const untaken = expected === undefined ? 0 : Math.max(0, expected - Sums.total(report))
        return { ...report, notStarted: report.notStarted + untaken }
      }

      const hints = (again: string | undefined): ReadonlyArray<string> => {
        const last = again ?? (mayPass && report.saved > 0 ? sameCommand : undefined)
        return [
          ...advice,
          ...(report.failed > failuresAtMost && options.failed === undefined ? [listOfFailed] : []),
          ...(last === undefined ? [] : [last])
        ]
      }

      return {
        event: (event) => {
          display.receive(event)
          urls.receive(event)
          slowest?.receive(event)
          if (event._tag === "Responded" && !verbose) {
            return Effect.void
          }
          if (event._tag === "Finished") {
            onOutcome(event)
          } else if (!json) {
            onText(event)
          } else if (!quiet) {
            writeLine(() => Lines.fromEvent(event, lineOptions))
          }
          return Effect.void
        },
        refused: (index, item) => {
          const request = Download.request({ id: `${index}`, url: item.url, destination: "" })
          const error = new InvalidRequest({ url: displayUrl(item.url), detail: item.problem }, Unvalidated.unvalidated)
          const outcome = Unvalidated.make(Download.Failed, { request, error })
          const event = Unvalidated.make(Finished, { outcome, atMillis: time() })
          display.refused(outcome)
          onOutcome(event, item)
          return event
        },
        renamed: (url, name, reason) => {
          if (!json && RequestProblem.ofUrl(url) === undefined) {
            renames.line(`${urls.given(url)}: named ${Printable.line(name)}, ${reason}`)
          }
        },
        note: (text) => {
          if (text !== undefined) {
            say(text)
          }
        },
        expect: (files) => {
          expected = files
          display.expect(files)
          if (json && !quiet) {
            const atMillis = time()
            writeLine(() => ({ event: "Expected", atMillis, files }))
          }
        },
        display,
        current: () => report,
        hints,
        conclude: (elapsedSeconds, again) =>
          Effect.sync(() => {
            if (quiet) {
              return
            }
            if (json) {
              const [counts, atMillis] = [whole(), time()]
              writeLine(() => Lines.report(counts, elapsedSeconds * 1000, atMillis))
              return
            }
            printFailures()
            for (const hint of hints(again)) {
              statusLine.line(`hint: ${hint}`)
            }
            for (const line of leftoverSentences(leftovers.data())) {
              statusLine.line(line)
            }
            skips.conclude()
            renames.conclude()
            for (const line of slowest?.lines() ?? []) {
              statusLine.line(line)
            }
            statusLine.line(Sums.sumsLine(whole(), elapsedSeconds))
          })
      }
    }
  )

// Further lines are only counted.
const failuresAtMost = 20
const adviceAtMost = 5

const listOfFailed = "--failed FILE writes a list of what failed, and halyard get -i FILE tries only that"
const sameCommand = "the same command again tries the failed files, and downloads no saved file twice"

const skipReasons = {
  exists: "skipped, because it exists",
  recorded: "skipped, because it is unchanged since it was saved",
  "same-size": "skipped, because the server's file has the same size",
  verified: "skipped, because its checksum is right"
} as const

/** How `get` names its transfers in lines. */
export const lineOptionsOf = ({ showUrls }: { readonly showUrls: boolean }): Lines.LineOptions => ({
  indexOf: ({ id }) => Number(id),
  hintOf: adviceFor,
  showsUrls: showUrls
})

/** The line for a file whose name is not the one that was asked for. */
const renamedLine = (
  { destination, request, serverName }: Download.Saved,
  urls: ShownUrls.ShownUrls
): string | undefined => {
  const saved = Printable.line(destination)
  if (request.nameFrom !== "server") {
    return destination === request.destination
      ? undefined
      : `${Printable.line(request.destination)} exists: saved as ${saved}`
  }
  const name = FileNames.lastSegment(destination)
  const wanted = serverName === undefined ? FileNames.lastSegment(request.destination) : FileNames.fromText(serverName)
  if (name !== wanted) {
    return `${urls.given(request.url)}: saved as ${saved}, because another file is named ${Printable.line(wanted)}`
  }
  return serverName === undefined || name === serverName
    ? undefined
    : `${urls.given(request.url)}: saved as ${saved}, because the server's name '${Printable.excerpt(serverName)}' is not safe`
}

/** Why an item was refused, with its line. */
const refusalOf = ({ place, problem, url }: Refused, urls: ShownUrls.ShownUrls): string =>
  [place === undefined ? "" : `${place.list}, line ${place.line}`, url === "" ? "" : urls.given(url), problem]
    .filter((part) => part !== "")
    .join(": ")
