/**
 * The file of `--har`: the requests of a run. It is written when the run ends, however it ends.
 *
 * The entries go to a temporary file when their requests end, and are sorted by their start at the end. In memory, each has two numbers.
 */
import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { fromCause } from "../../DownloadError/diskErrors.js"
import type { DownloadEvent } from "../../DownloadEvent.js"
import * as Lines from "../../EventLine/lines.js"
import type { Exchanged } from "../../EventLine/schema.js"
import * as Har from "../../Har.js"
import * as Printable from "../../internal/text/printable.js"
import { StatusLine } from "../../StatusLine.js"
import { UsageError } from "../UsageError.js"
import * as ReplacedFile from "./replacedFile.js"

type Listener = (event: DownloadEvent) => Effect.Effect<void>

export interface HarFile {
  /** Adds a request. The effect writes what waits in memory, if that is much. */
  readonly add: (line: typeof Exchanged.Type, file: string) => Effect.Effect<void>
  /** A listener that adds each request, and then calls another one. */
  readonly adding: (options: Lines.LineOptions, listener: Listener) => Listener
  /** Writes the file. Returns false, and prints why, if it could not be written. */
  readonly save: Effect.Effect<boolean>
}

/** Checks the file before the run. A temporary file is removed with the scope. */
export const open = Effect.fnUntraced(function* (
  option: string,
  file: string,
  { hasSecrets, version }: { readonly hasSecrets: boolean; readonly version: string }
) {
  const target = yield* ReplacedFile.check(option, file, { hasSecrets })
  const { line: print } = yield* StatusLine
  const label = `${option} ${Printable.line(file)}`
  const { file: handle } = yield* Effect.mapError(
    target.openTemporary,
    ({ message }) => new UsageError({ message: `${label}: ${message}` })
  )
  const turn = yield* Effect.makeSemaphore(1)
  const encoder = new TextEncoder()

  const starts: Array<number> = []
  const sizes: Array<number> = []
  let waiting = new Uint8Array(bufferBytes)
  let waitingBytes = 0
  let problem: string | undefined

  /** Adds a text to the bytes that wait. Returns its size. An array for each text would be memory outside of the heap of V8. */
  const append = (text: string): number => {
    const { read, written } = encoder.encodeInto(text, waiting.subarray(waitingBytes))
    if (read < text.length) {
      const larger = new Uint8Array(waitingBytes + maxBytesPerUnit * text.length + bufferBytes)
      larger.set(waiting.subarray(0, waitingBytes))
      waiting = larger
      return append(text)
    }
    waitingBytes += written
    return written
  }

  const writeWaiting = turn.withPermits(1)(
    Effect.suspend(() => {
      const bytes = waiting.subarray(0, waitingBytes)
      waiting = new Uint8Array(bufferBytes)
      waitingBytes = 0
      // After an error, the archive would have a gap.
      return bytes.length === 0 || problem !== undefined
        ? Effect.void
        : Effect.catchAll(handle.writeAll(bytes), (cause) =>
            Effect.sync(() => {
              problem = fromCause(file, cause).message
            })
          )
    })
  )

  const writeSorted = (sorted: FileSystem.File) =>
    Effect.gen(function* () {
      yield* sorted.writeAll(encoder.encode(Har.start(version)))
      let isFirst = true
      for (const { bytes, from } of blocks(starts, sizes)) {
        yield* handle.seek(FileSystem.Size(from), "start")
        const block = new Uint8Array(bytes)
        for (let read = 0; read < bytes; ) {
          const size = Number(yield* handle.read(block.subarray(read)))
          if (size === 0) {
            return yield* new UsageError({ message: "the temporary file has lost its end" })
          }
          read += size
        }
        // Each entry begins with a comma.
        yield* sorted.writeAll(isFirst ? block.subarray(1) : block)
        isFirst = false
      }
      yield* sorted.writeAll(encoder.encode(Har.end))
    })

  const write = Effect.gen(function* () {
    yield* writeWaiting
    yield* problem === undefined ? target.replace(writeSorted) : Effect.fail(new UsageError({ message: problem }))
  })

  const harFile: HarFile = {
    add: (line, destination) => {
      starts.push(line.beganAtMillis)
      sizes.push(append(`,\n${JSON.stringify(Har.entry(line, destination))}`))
      return waitingBytes < batchBytes ? Exit.void : Effect.uninterruptible(writeWaiting)
    },
    adding: (options, listener) => (event) => {
      target.receive(event)
      if (event._tag !== "Exchanged") {
        return listener(event)
      }
      const added = harFile.add(Lines.fromExchanged(event, options), event.request.destination)
      // An exit does not need a fiber.
      return Exit.isExit(added) ? listener(event) : Effect.zipRight(added, listener(event))
    },
    save: Effect.uninterruptible(
      Effect.match(write, {
        onFailure: ({ message }) => {
          print(`${label}: ${message}`)
          return false
        },
        onSuccess: () => true
      })
    )
  }
  return harFile
})

const batchBytes = 256 * 1024

/** A batch, and room for the entry that completes it. */
const bufferBytes = batchBytes + 64 * 1024

/** A UTF-16 code unit has at most this number of bytes in UTF-8. */
const maxBytesPerUnit = 3

const blockAtMostBytes = 1024 * 1024

/** The blocks of a file of entries, in the order of the starts of the entries. */
function* blocks(
  starts: ReadonlyArray<number>,
  sizes: ReadonlyArray<number>
): Generator<{ readonly from: number; readonly bytes: number }> {
  const offsets = new Float64Array(sizes.length + 1)
  for (const [index, size] of sizes.entries()) {
    offsets[index + 1] = (offsets[index] ?? 0) + size
  }
  const startOf = (index: number): number => starts[index] ?? 0
  const order = Uint32Array.from(starts.keys()).sort((one, other) => startOf(one) - startOf(other) || one - other)
  let first = order[0] ?? 0
  for (const [position, last] of order.entries()) {
    const [from = 0, to = 0] = [offsets[first], offsets[last + 1]]
    const next = order[position + 1]
    // Entries that follow each other in the file are one block.
    if (next !== last + 1 || to - from >= blockAtMostBytes) {
      yield { from, bytes: to - from }
      first = next ?? 0
    }
  }
}
