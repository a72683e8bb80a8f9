/**
 * Lists the unfinished parts in directories, and removes those that no process uses.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { Disk } from "../../DownloadError.js"
import { errorFields } from "../../EventLine/lines.js"
import { displaySize } from "../../internal/text/displaySize.js"
import { displayPath } from "../../internal/text/displayUrl.js"
import * as Printable from "../../internal/text/printable.js"
import { StatusLine } from "../../StatusLine.js"
import { Host, type UnfinishedPart } from "../Host.js"

export interface Options {
  readonly recursive: boolean
  readonly dryRun: boolean
  readonly json: boolean
}

/** Succeeds with the exit code. */
export const clean = Effect.fn("clean")(function* (directories: ReadonlyArray<string>, options: Options) {
  const { stdout, unfinishedParts } = yield* Host
  const { line } = yield* StatusLine
  const now = yield* Clock.currentTimeMillis
  const [removed, used] = [
    { count: 0, bytes: 0 },
    { count: 0, bytes: 0 }
  ]
  let failures = 0
  const print = (text: string): void => stdout.write(`${text}\n`)

  const fail = (error: Disk): void => {
    failures++
    if (options.json) {
      print(JSON.stringify({ error: errorFields(error) }))
    } else {
      line(`${displayPath(error.path)}: ${error.explanation}`)
    }
  }

  const handle = (part: UnfinishedPart) =>
    Effect.gen(function* () {
      const isRemoved = part.use === "none" && (options.dryRun || (yield* part.remove))
      const sum = isRemoved ? removed : used
      sum.count++
      sum.bytes += part.sizeBytes
      print(
        options.json
          ? JSON.stringify({
              file: part.path,
              destination: part.destination,
              bytes: part.sizeBytes,
              modified: new Date(part.modifiedMillis).toISOString(),
              use: part.use,
              process: part.process,
              removed: isRemoved && !options.dryRun
            })
          : described(part, now)
      )
    })

  const listed = Stream.fromIterable(directories).pipe(
    Stream.flatMap((directory) => unfinishedParts(directory, { isRecursive: options.recursive })),
    Stream.runForEach((found) =>
      found._tag === "Unreadable"
        ? Effect.sync(() => fail(found.error))
        : Effect.catchAll(handle(found), (error) => Effect.sync(() => fail(error)))
    )
  )
  yield* listed
  if (options.json) {
    print(
      JSON.stringify({
        report: {
          ...(options.dryRun ? { removable: removed.count } : { removed: removed.count }),
          bytes: removed.bytes
        },
        inUse: used.count,
        failed: failures
      })
    )
  } else {
    line(summaryOf(removed, used.count, options.dryRun))
  }
  return failures === 0 ? 0 : 1
})

/** `files/a.iso: 1.2 GB, 2 hours old`, and the use of a part that stays. */
const described = (
  { destination, modifiedMillis, path, process, sizeBytes, use }: UnfinishedPart,
  now: number
): string => {
  const uses = {
    none: "",
    running: `, in use by process ${process}`,
    unknown: ", may be in use by another machine or container"
  }
  return `${Printable.line(destination ?? path)}: ${displaySize(sizeBytes)}, ${ageOf(now - modifiedMillis)} old${uses[use]}`
}

const spans = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
  ["second", 1000]
] as const

const ageOf = (millis: number): string => {
  const [unit, length] = spans.find(([, span]) => millis >= span) ?? ["second", 1000]
  const count = Math.max(0, Math.floor(millis / length))
  return `${count} ${unit}${count === 1 ? "" : "s"}`
}

const summaryOf = ({ bytes, count }: { count: number; bytes: number }, used: number, isDryRun: boolean): string => {
  const parts = count === 1 ? "1 unfinished part" : `${count} unfinished parts`
  const done =
    count === 0
      ? `no unfinished part${isDryRun ? "" : " to remove"}`
      : `${parts}, ${displaySize(bytes)}${isDryRun ? "" : ", removed"}`
  return used === 0 ? done : `${done}; ${used} in use`
}
