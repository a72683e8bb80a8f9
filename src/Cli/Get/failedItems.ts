/**
 * The file of `--failed`: a list of the items of a run that have no file, for the next run.
 *
 * The list is written to a temporary file during the run, and gets its name at the end. It is NDJSON, because every URL and
 * every name can be written in it.
 */
import * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import type * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import { fromCause } from "../../DownloadError/diskErrors.js"
import type { DownloadEvent } from "../../DownloadEvent.js"
import * as Printable from "../../internal/text/printable.js"
import { StatusLine } from "../../StatusLine.js"
import * as ReplacedFile from "../run/replacedFile.js"
import { UsageError } from "../UsageError.js"
import { isStandardInput } from "./input.js"
import type { Ready, Refused } from "./items.js"
import type { Options } from "./options.js"

export interface FailedItems {
  /** The position of the last item that the run has taken from its input. */
  readonly taken: () => number
  /** An item that the run has taken. It is in the list unless `event` tells that it has a file. */
  readonly ready: (item: Ready) => void
  /** An item for which no request is sent. It becomes a comment. */
  readonly refused: (index: number, item: Refused) => void
  readonly event: (event: DownloadEvent) => void
  /** Writes what waits in memory, if that is much. */
  readonly flush: Effect.Effect<void>
  /**
   * Ends the list. `rest` has the items that the run has not taken; it is undefined if the run has taken all. Returns false if the
   * file was not written.
   */
  readonly save: <E1, E2>(
    rest: Effect.Effect<Stream.Stream<Ready, E1>, E2> | undefined,
    note: (text: string) => void
  ) => Effect.Effect<boolean>
  /** The command that tries the items again. Undefined if there is none. */
  readonly hint: () => string | undefined
}

/** Opens a temporary file beside the file of `--failed`. */
export const open = Effect.fnUntraced(function* (file: string, directory: string, options: Options, isStream: boolean) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const { line } = yield* StatusLine
  const label = `--failed ${Printable.line(file)}`
  if (options.method !== undefined || options.data !== undefined) {
    return yield* new UsageError({ message: "--failed FILE is for GET: a list has neither methods nor content" })
  }
  const target = yield* ReplacedFile.check("--failed", file, { hasSecrets: true })
  const { file: handle, publish } = yield* Effect.mapError(
    target.openTemporary,
    ({ message }) => new UsageError({ message: `${label}: ${message}` })
  )
  const real = (name: string) => Effect.orElseSucceed(fs.realPath(name), () => path.resolve(name))
  const inputs = yield* Effect.forEach(options.input, (name) =>
    isStandardInput(name) ? Effect.succeed("") : real(name)
  )
  const isInput = inputs.includes(yield* real(file))
  const turn = yield* Effect.makeSemaphore(1)

  /** Items without an outcome. */
  const pending = new Map<number, Ready>()
  let lines: Array<string> = []
  let waitingBytes = 0
  let taken = 0
  let itemCount = 0
  let commentCount = 0
  let headerCount = 0
  let cutCount = 0
  let hasOutside = false
  let problem: string | undefined

  const write = (text: string): boolean => {
    const sizeBytes = Buffer.byteLength(text)
    if (sizeBytes > lineAtMostBytes) {
      cutCount++
      return false
    }
    lines.push(text)
    waitingBytes += sizeBytes
    return true
  }

  const writeWaiting = turn
    .withPermits(1)(
      Effect.suspend(() => {
        const bytes = new TextEncoder().encode(lines.map((text) => `${text}\n`).join(""))
        lines = []
        waitingBytes = 0
        // After an error, the list would have a gap.
        return bytes.length === 0 || problem !== undefined
          ? Effect.void
          : Effect.catchAll(handle.writeAll(bytes), (error) =>
              Effect.sync(() => {
                problem = fromCause(file, error).message
              })
            )
      })
    )
    .pipe(Effect.uninterruptible)

  /** The path that an item of a list has for this destination. */
  const nameOf = (destination: string): string => {
    const relative = path.relative(directory, destination)
    const isOutside = relative.split(path.sep)[0] === ".." || path.isAbsolute(relative)
    hasOutside ||= isOutside
    return isOutside ? path.resolve(destination) : relative
  }

  const add = ({ digest, item: { fields, output, url }, path: destination }: Ready): void => {
    const isNamedByServer = options.remoteHeaderName && fields.name === undefined && output === undefined
    const text = JSON.stringify({
      url,
      mirrors: fields.mirrors,
      ...(isStream ? {} : isNamedByServer ? { dir: fields.directory } : { name: nameOf(destination) }),
      checksum: digest,
      size: fields.sizeBytes
    })
    if (write(text)) {
      itemCount++
      headerCount += fields.headers === undefined ? 0 : 1
    }
  }

  const comment = ({ fields, place, problem: why, url }: Refused): void => {
    commentCount++
    const where = place === undefined ? "" : `${place.list}, line ${place.line}: `
    write(`# ${where}${Printable.line(why)}`)
    if (url !== "") {
      const { checksum, directory: dir, mirrors, name, sizeBytes: size } = fields ?? {}
      write(`# ${JSON.stringify({ url, mirrors, name, dir, checksum, size })}`)
    }
  }

  const flush: Effect.Effect<void> = Effect.suspend(() => (waitingBytes < batchBytes ? Exit.void : writeWaiting))

  /** Adds the items that the run has not taken. Returns false if some are not known. */
  const addRest = <E1, E2>(rest: Effect.Effect<Stream.Stream<Ready, E1>, E2>): Effect.Effect<boolean> => {
    let count = 0
    const adding = Effect.flatMap(rest, (items) =>
      Stream.runForEachChunk(Stream.take(items, restAtMost + 1), (chunk: Chunk.Chunk<Ready>) => {
        for (const item of chunk) {
          count++
          if (count <= restAtMost) {
            add(item)
          }
        }
        return flush
      })
    )
    // On a fiber of its own: the fiber of an interrupted run would not wait for the disk.
    return Effect.map(
      Effect.flatMap(Effect.fork(Effect.interruptible(adding)), Fiber.await),
      (exit) => Exit.isSuccess(exit) && count <= restAtMost
    )
  }

  let isSaved = false
  const items: FailedItems = {
    taken: () => taken,
    ready: (item) => {
      taken = item.index
      pending.set(item.index, item)
    },
    refused: (index, item) => {
      taken = Math.max(taken, index)
      pending.delete(index)
      comment(item)
    },
    event: (event) => {
      target.receive(event)
      if (event._tag !== "Finished") {
        return
      }
      const { outcome } = event
      const index = Number(outcome.request.id)
      const item = pending.get(index)
      pending.delete(index)
      if (item !== undefined && outcome._tag === "Failed" && outcome.error._tag === "InvalidRequest") {
        comment({ ...item.item, problem: outcome.error.message })
      } else if (item !== undefined && (outcome._tag === "Failed" || outcome._tag === "Cancelled")) {
        add(item)
      }
    },
    flush,
    save: Effect.fnUntraced(function* (rest, note) {
      for (const item of pending.values()) {
        add(item)
      }
      pending.clear()
      const isWhole = rest === undefined || (yield* addRest(rest))
      if (!isWhole && isInput) {
        line(`${label}: it is the list of this run, and stays as it is, because the rest of it is not known`)
        return true
      }
      yield* writeWaiting
      const failure =
        problem ?? (yield* Effect.match(publish, { onFailure: ({ message }) => message, onSuccess: () => undefined }))
      if (failure !== undefined) {
        line(`${label}: ${failure}`)
        return false
      }
      isSaved = true
      const notices = [
        isWhole ? undefined : "the rest of the input, if there is more, is not in it",
        commentCount === 0
          ? undefined
          : `it has ${commentCount} refused ${commentCount === 1 ? "item" : "items"} as comments`,
        headerCount === 0 ? undefined : `it has no headers, and ${headerCount} of its items had some in their list`,
        cutCount === 0 ? undefined : `${cutCount} items are left out, because they are longer than 64 KiB`
      ]
      for (const notice of notices.flatMap((text) => text ?? [])) {
        note(`${label}: ${notice}`)
      }
      return true
    }),
    hint: () => {
      if (!isSaved || itemCount === 0 || isStream) {
        return undefined
      }
      const parts = [
        "halyard get -i",
        quoted(file),
        ...(directory === "." ? [] : ["-d", quoted(directory)]),
        ...(options.remoteHeaderName ? (options.forceDirectories ? ["-x", "-J"] : ["-J"]) : []),
        ...(hasOutside ? ["--allow-outside"] : [])
      ]
      return `${parts.join(" ")}  # tries the ${itemCount} ${itemCount === 1 ? "item" : "items"} of the list again`
    }
  }
  return items
})

const batchBytes = 64 * 1024

// What a line of a list may have.
const lineAtMostBytes = 64 * 1024

// A range of the command line may have billions of URLs, and an interrupted run ends soon.
const restAtMost = 1_000_000

/** A word for a shell. */
const quoted = (text: string): string =>
  /^[\w./@%+,:-]+$/.test(text) ? text : `'${Printable.line(text).replaceAll("'", "'\\''")}'`
