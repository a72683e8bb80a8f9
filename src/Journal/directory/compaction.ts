/**
 * Rewrites a state file without the lines that later lines have replaced. Damaged lines go to a file beside it.
 *
 * The new file has a fixed name until it gets the final one, so that one process at a time compacts. A line that another process
 * appends during the last step may be lost. That costs a request: the next run compares the file with the server.
 *
 * @internal
 */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import { codeOf } from "../../DownloadError/diskErrors.js"
import * as Line from "./line.js"
import type { LineIndex, StateFile } from "./lineIndex.js"
import type { StateFiles } from "./stateFiles.js"

const blockBytes = 1024 * 1024

/** What the name of the file of damaged lines adds to that of the state file. */
export const damagedSuffix = ".damaged"

// A process that was killed leaves the new file. A compaction takes seconds.
const abandonedMillis = 600_000

/** Another process compacts the file, or has replaced it. */
export class Elsewhere extends Data.TaggedError("Elsewhere") {}

/** Compacts a file that is scanned. Fails with `Elsewhere`, or with the error of an operation. */
export const compact = (
  files: StateFiles,
  index: LineIndex,
  file: StateFile,
  nowMillis: number
): Effect.Effect<void, unknown> => {
  const temporary = `${file.path}.new`
  /** Appends the lines of one kind to a file. */
  const copyLines = (kind: keyof Lines, path: string) =>
    Effect.gen(function* () {
      const into = new Uint8Array(blockBytes)
      let at = 0
      for (;;) {
        const read = yield* files.read(file.path, at, into)
        if (read === undefined || read.identity !== file.identity) {
          return yield* new Elsewhere()
        }
        const bytes = into.subarray(0, read.readBytes)
        const isLast = read.readBytes < into.length
        // No line is as long as a block.
        const end = bytes.lastIndexOf(lineFeed) + 1 || (isLast ? 0 : read.readBytes)
        const lines = linesIn(index, file, bytes.subarray(0, end), at)[kind]
        if (lines.length > 0) {
          yield* files.append(path, new TextEncoder().encode(lines.join("")))
        }
        at += end
        if (isLast) {
          return
        }
      }
    })
  const rewrite = Effect.gen(function* () {
    yield* copyLines("live", temporary)
    // Late, because a rewrite that fails is repeated by the next run.
    yield* file.damagedLines > 0 ? copyLines("damaged", file.path + damagedSuffix) : Effect.void
    yield* files.rename(temporary, file.path)
  })
  const create = Effect.catchIf(
    files.create(temporary),
    (error) => codeOf(error) === "EEXIST",
    () =>
      Effect.flatMap(files.read(temporary, 0, new Uint8Array(1)), (other) =>
        other !== undefined && nowMillis - other.modifiedMillis > abandonedMillis
          ? Effect.zipRight(files.remove(temporary), files.create(temporary))
          : new Elsewhere()
      )
  )
  return Effect.flatMap(create, () => Effect.tapError(rewrite, () => Effect.ignore(files.remove(temporary))))
}

const lineFeed = 0x0a

interface Lines {
  /** The lines that are the last ones for their paths, and those that were appended after the scan. */
  readonly live: ReadonlyArray<string>
  /** The lines that are none of a state file. */
  readonly damaged: ReadonlyArray<string>
}

const linesIn = (index: LineIndex, file: StateFile, bytes: Uint8Array, at: number): Lines => {
  const [live, damaged]: [Array<string>, Array<string>] = [[], []]
  const decoder = new TextDecoder()
  let begin = 0
  while (begin < bytes.length) {
    const lineEnd = bytes.indexOf(lineFeed, begin)
    const end = lineEnd < 0 ? bytes.length : lineEnd
    const line = decoder.decode(bytes.subarray(begin, end))
    const keys = Line.keysOf(line)
    if (typeof keys === "string") {
      if (keys === "damaged") {
        damaged.push(`${line}\n`)
      }
    } else if (at + begin >= file.scannedBytes || index.isLast(file.prefix + keys.name, at + begin)) {
      live.push(`${line}\n`)
    }
    begin = end + 1
  }
  return { live, damaged }
}
