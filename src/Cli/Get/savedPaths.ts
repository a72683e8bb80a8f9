/**
 * Lets each URL keep the file that an earlier run has saved for it, and gives that file to no other URL.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Stream from "effect/Stream"
import type { Hasher } from "../../Hasher.js"
import { andThen } from "../../internal/andThen.js"
import * as FileNames from "../../internal/text/fileNames.js"
import { type SavedNames, urlKey } from "../../Journal.js"
import type { Store } from "../../Store.js"
import type { Entry } from "./input/item.js"

export class SavedPaths {
  /** The paths that the URLs of the current chunk have. */
  private readonly paths = new Map<string, string>()
  /** Paths whose file is gone: another URL may have them. */
  private readonly free = new Set<string>()
  private hasEntries: boolean | undefined

  constructor(
    private readonly names: typeof SavedNames.Service,
    private readonly hasher: typeof Hasher.Service,
    private readonly store: typeof Store.Service,
    /** The directory of the run, with a separator at its end; empty for the current directory. */
    private readonly prefix: string
  ) {}

  /** The same entries. `of` and `isOther` answer for each chunk as soon as it is emitted, until the next one is pulled. */
  look<E, R>(entries: Stream.Stream<Entry, E, R>): Stream.Stream<Entry, E, R> {
    return Stream.mapChunksEffect(entries, (chunk) => {
      this.paths.clear()
      // Once: the entries of this run do not count.
      const loading = this.hasEntries === undefined ? this.names.load(this.prefix) : Exit.succeed(this.hasEntries)
      return andThen(loading, (hasEntries) => {
        this.hasEntries = hasEntries
        return hasEntries
          ? Effect.as(
              Effect.forEach(chunk, (entry) => (entry._tag === "Refused" ? Exit.void : this.lookAt(entry.url)), {
                discard: true
              }),
              chunk
            )
          : Exit.succeed(chunk)
      })
    })
  }

  /** The name that the file of this URL has, if it is the wanted name or a numbered one. */
  of(url: string, wanted: string): string | undefined {
    const path = this.paths.get(url)
    const name = path?.slice(this.prefix.length)
    return name !== undefined && isNameOf(name, wanted) ? name : undefined
  }

  /** Whether a name belongs to the file of another URL. Call it for names that `of` has not returned. */
  isOther(name: string): boolean {
    const path = this.prefix + name
    return this.names.has(path) && !this.free.has(path)
  }

  private lookAt(url: string): Effect.Effect<void> {
    return andThen(this.names.ofUrl(this.prefix, urlKey(this.hasher, url)), (path) => {
      if (path !== undefined) {
        this.paths.set(url, path)
        return Exit.void
      }
      const wanted = this.prefix + FileNames.fromUrl(url)
      return this.names.has(wanted) ? this.lookForFile(wanted) : Exit.void
    })
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

const isNameOf = (name: string, wanted: string): boolean => {
  const number = /-(\d+)(?:(?:\.tar)?\.[A-Za-z0-9]{1,10})?$/.exec(name)?.[1]
  return name === wanted || (number !== undefined && FileNames.numbered(wanted, Number(number)) === name)
}
