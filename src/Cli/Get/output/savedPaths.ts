/**
 * Lets each URL keep the file that an earlier run has saved for it, and gives that file to no other URL.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Stream from "effect/Stream"
import type { Hasher } from "../../../Hasher.js"
import { andThen } from "../../../internal/andThen.js"
import { type Journal, type SavedNames, urlKey } from "../../../Journal.js"
import type { Store } from "../../../Store.js"
import type { Entry, Item } from "../input/item.js"

/** The paths that the items of a run would have if no earlier run had saved a file. */
export interface WantedPaths {
  /** The directory of the file, with a separator at its end; empty for the current one. Undefined if the item has no file. */
  readonly directoryOf: (item: Item, index: number) => string | undefined
  readonly wantedPath: (item: Item, index: number) => string | undefined
  /** Whether the item may have this path: the wanted one, a numbered one, or that of another position in the input. */
  readonly mayHave: (item: Item, index: number, path: string) => boolean
  readonly isNamedByServer: (item: Item) => boolean
}

export class SavedPaths {
  /** The paths that the items of the current chunk keep, by their URLs and wanted paths. */
  private readonly paths = new Map<string, string>()
  /** Paths whose file is gone: another URL may have them. */
  private readonly free = new Set<string>()
  /** Whether earlier runs have saved files in a directory. */
  private readonly directories = new Map<string, boolean>()

  constructor(
    private readonly names: typeof SavedNames.Service,
    private readonly journal: typeof Journal.Service,
    private readonly hasher: typeof Hasher.Service,
    private readonly store: typeof Store.Service
  ) {}

  /**
   * The same entries. `of` and `isOther` answer for each chunk as soon as it is emitted, until the next one is pulled. `before` is
   * the number of entries before the first one.
   */
  look<E, R>(entries: Stream.Stream<Entry, E, R>, before: number, wanted: WantedPaths): Stream.Stream<Entry, E, R> {
    let index = before
    return Stream.mapChunksEffect(entries, (chunk) => {
      this.paths.clear()
      const lookAll = Effect.forEach(
        chunk,
        (entry) => {
          index++
          return entry._tag === "Refused" ? Exit.void : this.lookAt(entry, index, wanted)
        },
        { discard: true }
      )
      return Effect.as(lookAll, chunk)
    })
  }

  /** The path of the file that an earlier run has saved for this URL, if the item keeps it. */
  of(url: string, wanted: string): string | undefined {
    return this.paths.get(keyOf(url, wanted))
  }

  /** Whether a path belongs to the file of another URL. Call it for paths that `of` has not returned. */
  isOther(path: string): boolean {
    return this.names.has(path) && !this.free.has(path)
  }

  private lookAt(item: Item, index: number, wanted: WantedPaths): Effect.Effect<void> {
    const directory = wanted.directoryOf(item, index)
    if (directory === undefined) {
      return Exit.void
    }
    return andThen(this.hasEntries(directory), (hasEntries) => {
      const path = hasEntries ? wanted.wantedPath(item, index) : undefined
      return path === undefined
        ? Exit.void
        : wanted.isNamedByServer(item)
          ? this.lookForServerName(item.url, path, directory)
          : this.lookForName(item, index, path, directory, wanted)
    })
  }

  private hasEntries(directory: string): Effect.Effect<boolean> {
    const known = this.directories.get(directory)
    if (known !== undefined) {
      return Exit.succeed(known)
    }
    // Once: the entries of this run do not count.
    return andThen(this.names.load(directory), (hasEntries) => {
      if (this.directories.size >= directoriesAtMost) {
        this.directories.clear()
      }
      this.directories.set(directory, hasEntries)
      return Exit.succeed(hasEntries)
    })
  }

  private lookForName(
    item: Item,
    index: number,
    path: string,
    directory: string,
    wanted: WantedPaths
  ): Effect.Effect<void> {
    const key = urlKey(this.hasher, item.url)
    const entry = this.names.has(path) ? this.journal.last(path) : Exit.succeed(undefined)
    return andThen(entry, (entry) => {
      if (entry?.urlKey === key) {
        this.paths.set(keyOf(item.url, path), path)
        return Exit.void
      }
      return andThen(this.names.ofUrl(directory, key), (saved) => {
        if (saved !== undefined && wanted.mayHave(item, index, saved)) {
          this.paths.set(keyOf(item.url, path), saved)
          return Exit.void
        }
        return this.names.has(path) ? this.lookForFile(path) : Exit.void
      })
    })
  }

  private lookForServerName(url: string, path: string, directory: string): Effect.Effect<void> {
    return andThen(this.names.ofUrl(directory, urlKey(this.hasher, url)), (saved) =>
      saved === undefined
        ? Exit.void
        : andThen(this.journal.last(saved), (entry) => {
            if (entry?.nameFrom === "server") {
              this.paths.set(keyOf(url, path), saved)
            }
            return Exit.void
          })
    )
  }

  private lookForFile(path: string): Effect.Effect<void> {
    return Effect.match(this.store.stat(path), {
      onFailure: () => {},
      onSuccess: (found) => {
        if (found === undefined) {
          this.free.add(path)
        } else {
          this.free.delete(path)
        }
      }
    })
  }
}

// A directory that is not remembered is looked at again.
const directoriesAtMost = 10_000

const keyOf = (url: string, wanted: string): string => `${wanted}\u0000${url}`
