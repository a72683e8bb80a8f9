/**
 * Reads the lines of a run, and writes what was asked for.
 */
import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Stream from "effect/Stream"
import { fromCause } from "../../DownloadError/diskErrors.js"
import type { Disk } from "../../DownloadError.js"
import * as EventLine from "../../EventLine.js"
import * as Printable from "../../internal/text/printable.js"
import { StatusLine } from "../../StatusLine.js"
import { Host } from "../Host.js"
import { checkDistinct } from "../run/distinctFiles.js"
import * as HarFile from "../run/harFile.js"
import * as ReportPage from "../run/reportPage.js"
import { UsageError } from "../UsageError.js"
import { Contents } from "./contents.js"
import type { Options } from "./options.js"
import { RunEvents } from "./runEvents.js"

/** Succeeds with the exit code. */
export const report = Effect.fn("report")(function* (
  file: string,
  { har, html }: Pick<Options, "har" | "html">,
  version: string
) {
  const { line } = yield* StatusLine
  const isStdin = file === "-"
  const name = isStdin ? "standard input" : Printable.line(file)
  yield* checkDistinct(isStdin ? [] : [{ option: "the run", file }], [
    ...(html === undefined ? [] : [{ option: "--html", file: html }]),
    ...(har === undefined ? [] : [{ option: "--har", file: har }])
  ])
  const page =
    html === undefined ? undefined : yield* ReportPage.open("--html", html, { hasSecrets: false, isOwnRun: false })
  // The lines of a run with --show-urls have secrets.
  const archive = har === undefined ? undefined : yield* HarFile.open("--har", har, { hasSecrets: true, version })
  const events = new RunEvents()
  const contents = new Contents()
  let read = 0
  let unread = 0
  let number = 0
  /** A line that is not JSON. It may be the last one of a killed run. */
  let broken: number | undefined
  let added: Effect.Effect<void> = Effect.void
  const refuse = (at: number, problem: string): void => {
    unread++
    if (unread <= problemsAtMost) {
      line(`${name}, line ${at}: ${problem}`)
    }
  }
  const receiveKind = (text: string, kind: string | undefined): void => {
    if (kind === undefined) {
      broken = number
    } else if (kind === "") {
      refuse(number, "it is not a line of halyard --json")
    } else if (kinds.has(kind)) {
      decode(text)
    } else {
      // A later version may have more kinds of lines.
      read++
    }
  }
  const decode = (text: string): void => {
    const decoded = EventLine.decode(text)
    if (Either.isLeft(decoded)) {
      refuse(number, `it is not a line of halyard --json: ${problemOf(decoded.left.message)}`)
      return
    }
    read++
    contents.add(decoded.right)
    const event = events.of(decoded.right)
    if (event !== undefined) {
      page?.receive(event)
    } else if (decoded.right.event === "Expected") {
      page?.expect(decoded.right.files)
    }
    if (decoded.right.event === "Exchanged" && archive !== undefined) {
      added = archive.add(decoded.right, event?._tag === "Exchanged" ? event.request.destination : "")
    }
  }
  const receive = (text: string): void => {
    number++
    if (broken !== undefined) {
      refuse(broken, "it is not JSON")
      broken = undefined
    }
    if (text.trim() !== "") {
      receiveKind(text, kindOf(text))
    }
  }
  yield* Stream.runForEach(yield* linesOf(file, isStdin), (text) =>
    Effect.suspend(() => {
      added = Effect.void
      receive(text)
      return added
    })
  )
  if (broken !== undefined && read > 0) {
    line(`${name}, line ${broken}: the last line is cut off, and is left out`)
  } else if (broken !== undefined) {
    refuse(broken, "it is not JSON")
  }
  if (unread > problemsAtMost) {
    line(`${name}: ${unread - problemsAtMost} more lines could not be read`)
  }
  if (read === 0) {
    line(`${name}: it has no line of halyard --json`)
    return 1
  }
  for (const warning of contents.warnings) {
    line(`${name}: ${warning}`)
  }
  if (contents.isQuiet) {
    page?.failuresOnly()
  }
  const isPageSaved = page === undefined || (yield* page.save(() => contents.hints))
  const isArchiveSaved = archive === undefined || (yield* archive.save)
  return isPageSaved && isArchiveSaved && unread === 0 ? 0 : 1
}, Effect.scoped)

const explanationOf = ({ explanation, reason }: Disk): string =>
  reason === "missing" ? "there is no such file" : explanation

const problemsAtMost = 10

const kinds: ReadonlySet<string> = new Set([
  "Run",
  "Expected",
  "Started",
  "Advanced",
  "Exchanged",
  "Retrying",
  "Responded",
  "MirrorGivenUp",
  "Paused",
  "Blocked",
  "Unblocked",
  "Finished",
  "Report"
])

/** The kind of a line: empty if it has none, undefined if it is not JSON. */
const kindOf = (text: string): string | undefined =>
  Either.match(
    Either.try((): unknown => JSON.parse(text)),
    {
      onLeft: () => undefined,
      onRight: (value) =>
        typeof value === "object" && value !== null && "event" in value && typeof value.event === "string"
          ? value.event
          : ""
    }
  )

/** The end of a message of a schema says which field is wrong. */
const problemOf = (message: string): string => Printable.excerpt(message.replace(/^.*\n\s*[└├]─ /s, ""))

const linesOf = Effect.fnUntraced(function* (file: string, isStdin: boolean) {
  const fs = yield* FileSystem.FileSystem
  const { stdin } = yield* Host
  const unreadable = (explanation: string) =>
    new UsageError({ message: `${isStdin ? "standard input" : Printable.line(file)}: ${explanation}` })
  const bytes = isStdin
    ? Stream.mapError(stdin, ({ explanation }) => unreadable(explanation))
    : Stream.mapError(fs.stream(file), (cause) => unreadable(explanationOf(fromCause(file, cause))))
  return Stream.splitLines(Stream.decodeText(bytes))
})
