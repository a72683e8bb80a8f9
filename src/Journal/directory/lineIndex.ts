/**
 * Finds the last line for a path or a URL in journal files. It keeps 17 bytes for each, and a few blocks of the files.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { andThen } from "../../internal/andThen.js"
import { CompactCounts } from "../../internal/text/compactCounts.js"
import { lineAtMostBytes } from "./line.js"
import type { Seen, StateFiles } from "./stateFiles.js"

const blockBytes = 256 * 1024

const blocksAtMost = 16

// The index has 32 bits for an offset. Lines after it are not found, and cost a request each.
const offsetAtMost = 2 ** 32 - 2

/** What a line is about. */
export interface LineKeys {
  readonly path: string
  /** `urlIn` of the URL that the file came from, if that is known. */
  readonly url: string | undefined
  /** Whether the line describes the file at the path. A line that does not replaces none that does. */
  readonly isOfFile: boolean
}

/** The place of a URL in a directory. */
export const urlIn = (prefix: string, urlKey: string): string => `${prefix}\u0000${urlKey}`

/** A journal file, such as the state file of a directory, as far as it was read. */
export class StateFile {
  identity: string | undefined
  /** The offset after the last whole line that was read. */
  scannedBytes = 0
  /** The number of lines that were read, and of those that no later line replaces. */
  lines = 0
  liveLines = 0
  damagedLines = 0
  /** True if all lines up to now are in the index, except those of other processes. */
  isScanned = false
  /** True if it cannot be used. */
  isBroken = false

  constructor(
    readonly path: string,
    /** The directory, with a separator at its end: a path without its name. */
    readonly prefix: string
  ) {}
}

export class LineIndex {
  // Made when the first line is read: most runs read none. A number is the offset of a line plus 1.
  private paths: CompactCounts | undefined
  private urls: CompactCounts | undefined
  /** The lines that do not describe a file. */
  private others: CompactCounts | undefined
  /** The blocks that were used last, the oldest first. */
  private readonly blocks = new Map<string, Uint8Array>()

  constructor(
    private readonly files: Pick<StateFiles, "read">,
    /** Returns `cut` for a line that a crash has cut short, and `damaged` for one that is no line of a journal. */
    private readonly keysOf: (line: string, prefix: string) => LineKeys | "cut" | "damaged"
  ) {}

  /** True if a line describes the file at this path. The file of the line must be scanned. */
  has(path: string): boolean {
    return this.paths !== undefined && this.paths.get(path) > 0
  }

  /** Whether the line at this offset is the last one for its path. */
  isLast(path: string, offset: number): boolean {
    return this.paths?.get(path) === offset + 1
  }

  lineOfPath(file: StateFile, path: string): Effect.Effect<string | undefined, unknown> {
    return this.lineAt(file, this.paths?.get(path) || this.others?.get(path) || 0)
  }

  lineOfUrl(file: StateFile, url: string): Effect.Effect<string | undefined, unknown> {
    return this.lineAt(file, this.urls?.get(url) ?? 0)
  }

  /** Reads the lines that were appended since the last scan. */
  scan(file: StateFile): Effect.Effect<void, unknown> {
    return Effect.suspend(() => {
      let rest: Uint8Array = new Uint8Array(0)
      let restAt = file.scannedBytes
      const next: Effect.Effect<void, unknown> = Effect.suspend(() =>
        Effect.flatMap(this.block(file, Math.floor((restAt + rest.length) / blockBytes), true), (block) => {
          if (block === undefined) {
            // Removed, or replaced by a compacted file.
            if (file.scannedBytes === 0) {
              return Effect.void
            }
            this.forget(file)
            return this.scan(file)
          }
          const begins = restAt + rest.length
          const added = block.subarray(begins % blockBytes)
          const bytes = rest.length === 0 ? added : joined(rest, added)
          const done = this.add(file, bytes, restAt)
          rest = bytes.subarray(done)
          restAt += done
          file.scannedBytes = restAt
          if (rest.length > lineAtMostBytes) {
            // Reads on after it. Its end is a line that begins with other text.
            restAt += rest.length
            rest = new Uint8Array(0)
          }
          return block.length === blockBytes ? next : Effect.void
        })
      )
      return next
    })
  }

  /**
   * Adds lines that this process has appended to a file. Lines of a file that had none are left to the next scan, because a run that
   * saves new files looks up none of them. The same is done if another process has appended lines as well.
   */
  appended(file: StateFile, bytes: Uint8Array, { identity, sizeBytes }: Seen): void {
    const at = sizeBytes - bytes.length
    file.isScanned &&= file.lines > 0 && at === file.scannedBytes && identity === file.identity
    if (file.isScanned) {
      file.scannedBytes = sizeBytes
      this.add(file, bytes, at)
      // It is longer now.
      this.blocks.delete(`${file.path}\u0000${Math.floor(at / blockBytes)}`)
    }
  }

  private forget(file: StateFile): void {
    file.identity = undefined
    file.scannedBytes = 0
    file.lines = 0
    file.liveLines = 0
    file.damagedLines = 0
    for (const key of this.blocks.keys()) {
      if (key.startsWith(`${file.path}\u0000`)) {
        this.blocks.delete(key)
      }
    }
  }

  /** Adds whole lines, and returns the offset after the last one. */
  private add(file: StateFile, bytes: Uint8Array, at: number): number {
    this.paths ??= new CompactCounts()
    this.urls ??= new CompactCounts()
    let begin = 0
    for (let end = bytes.indexOf(lineFeed); end >= 0; end = bytes.indexOf(lineFeed, begin)) {
      if (end > begin) {
        this.addLine(file, decoder.decode(bytes.subarray(begin, end)), at + begin)
      }
      begin = end + 1
    }
    return begin
  }

  private addLine(file: StateFile, line: string, offset: number): void {
    const keys = this.keysOf(line, file.prefix)
    file.lines++
    if (typeof keys === "string") {
      file.damagedLines += keys === "damaged" ? 1 : 0
      return
    }
    const { isOfFile, path, url } = keys
    if (offset > offsetAtMost) {
      return
    }
    if (!isOfFile) {
      this.others ??= new CompactCounts()
      this.others.set(path, offset + 1)
      return
    }
    // A place that is not before this one is of a file that had this name before.
    const earlier = this.paths?.get(path) ?? 0
    file.liveLines += earlier > 0 && earlier <= offset ? 0 : 1
    this.paths?.set(path, offset + 1)
    if (url !== undefined) {
      this.urls?.set(url, offset + 1)
    }
  }

  private lineAt(file: StateFile, place: number): Effect.Effect<string | undefined, unknown> {
    if (place === 0) {
      return Exit.succeed(undefined)
    }
    const offset = place - 1
    const from = offset % blockBytes
    return andThen(this.block(file, Math.floor(offset / blockBytes), false), (block) => {
      const end = block?.indexOf(lineFeed, from) ?? -1
      if (block === undefined || end >= 0) {
        return Exit.succeed(block === undefined ? undefined : decoder.decode(block.subarray(from, end)))
      }
      // The line continues in the next block.
      const into = new Uint8Array(lineAtMostBytes)
      return Effect.map(this.files.read(file.path, offset, into), (read) => {
        const ends = read === undefined ? -1 : into.subarray(0, read.readBytes).indexOf(lineFeed)
        return ends < 0 || read?.identity !== file.identity ? undefined : decoder.decode(into.subarray(0, ends))
      })
    })
  }

  /** A block of the file, shorter at the end of the file; undefined if the file is gone or is another one than before. */
  private block(file: StateFile, number: number, isFresh: boolean): Effect.Effect<Uint8Array | undefined, unknown> {
    const key = `${file.path}\u0000${number}`
    const known = this.blocks.get(key)
    if (known !== undefined && !(isFresh && known.length < blockBytes)) {
      this.blocks.delete(key)
      this.blocks.set(key, known)
      return Exit.succeed(known)
    }
    return Effect.suspend(() => {
      const into = new Uint8Array(blockBytes)
      return Effect.map(this.files.read(file.path, number * blockBytes, into), (read) => {
        if (read === undefined || (file.identity ?? read.identity) !== read.identity) {
          return undefined
        }
        file.identity = read.identity
        const block = read.readBytes < blockBytes ? into.slice(0, read.readBytes) : into
        this.blocks.delete(key)
        this.blocks.set(key, block)
        for (const oldest of this.blocks.keys()) {
          if (this.blocks.size <= blocksAtMost) {
            break
          }
          this.blocks.delete(oldest)
        }
        return block
      })
    })
  }
}

const lineFeed = 0x0a

const decoder = new TextDecoder()

const joined = (one: Uint8Array, other: Uint8Array): Uint8Array => {
  const both = new Uint8Array(one.length + other.length)
  both.set(one)
  both.set(other, one.length)
  return both
}
