/**
 * Gives each item of a run a file of its own inside the directory of the run. The names and directories that a list gives are not
 * trusted: each segment of them becomes a safe name.
 */
import type * as Path from "@effect/platform/Path"
import * as Either from "effect/Either"
import * as FileNames from "../../../internal/text/fileNames.js"
import * as Printable from "../../../internal/text/printable.js"
import { UniquePaths } from "../../../internal/text/uniquePaths.js"
import * as Naming from "../../../Naming.js"
import * as BucketUrl from "../../run/bucketUrl.js"
import type { Item } from "../input/item.js"
import type { SavedPaths, WantedPaths } from "./savedPaths.js"

export interface Destination {
  readonly path: string
  /** The directory of the file, if it is not the directory of the run. */
  readonly directory: string | undefined
  /** Whether the server shall name the file. */
  readonly isNamedByServer: boolean
}

/** The path that an item would have if no other item had it. */
interface Wanted {
  /** The beginning of all paths of this kind. */
  readonly prefix: string
  /** The rest of the path. */
  readonly relative: string
  readonly hasDirectory: boolean
  /** The names that are not the wanted ones, and why. */
  readonly changes: ReadonlyArray<readonly [name: string, reason: string]>
}

export class Destinations implements WantedPaths {
  private readonly paths = new UniquePaths()
  private readonly prefix: string

  constructor(
    private readonly path: Path.Path,
    private readonly directory: string,
    private readonly options: {
      /** Whether lists may name directories outside of the directory of the run. */
      readonly allowOutside: boolean
      /** Names the files whose names are not in a list. */
      readonly naming: Naming.Naming
      /** Whether the server names the files whose names are not in a list. Such a name is made unique when the server has answered. */
      readonly isNamedByServer: boolean
      /** The names that files have from earlier runs. Undefined: they do not matter. */
      readonly saved: SavedPaths | undefined
      /** Called for each item whose name is not the wanted one. */
      readonly onRenamed: (url: string, name: string, reason: string) => void
    }
  ) {
    // A path inside has no `..`, so all destinations have the same prefix.
    this.prefix = BucketUrl.isIn(directory) ? `${directory}/` : (path.join(directory, "_").split(/_$/)[0] ?? "")
  }

  /** The destination of an item at a position of the input, or why the item has none. */
  of(item: Item, index: number): Either.Either<Destination, string> {
    return Either.map(this.wanted(item, index), (wanted) => {
      for (const [name, reason] of wanted.changes) {
        this.options.onRenamed(item.url, name, reason)
      }
      const isNamedByServer = this.isNamedByServer(item)
      const path = isNamedByServer
        ? (this.options.saved?.of(item.url, wanted.prefix + wanted.relative) ?? wanted.prefix + wanted.relative)
        : this.numbered(item.url, wanted)
      return { path, directory: wanted.hasDirectory ? this.path.dirname(path) : undefined, isNamedByServer }
    })
  }

  isNamedByServer({ fields, output }: Item): boolean {
    return this.options.isNamedByServer && output === undefined && fields.name === undefined
  }

  wantedPath(item: Item, index: number): string | undefined {
    return Either.getOrUndefined(Either.map(this.wanted(item, index), ({ prefix, relative }) => prefix + relative))
  }

  directoryOf(item: Item, index: number): string | undefined {
    const { fields, output } = item
    const isPlain = output === undefined && fields.directory === undefined && fields.name === undefined
    // Without parsing the URL.
    return isPlain && this.options.naming === Naming.fromUrl
      ? this.prefix
      : this.wantedPath(item, index)?.replace(/[^/\\]*$/, "")
  }

  mayHave(item: Item, index: number, path: string): boolean {
    const isFor = (position: number): boolean => {
      const wanted = this.wantedPath(item, position)
      return wanted !== undefined && isNameOf(path, wanted)
    }
    // A list that was edited has other positions, and a template may have written the earlier one into the name.
    return isFor(index) || numbersIn(path).some(isFor)
  }

  private wanted(item: Item, index: number): Either.Either<Wanted, string> {
    const { fields, output, url } = item
    if (output !== undefined) {
      const relative = BucketUrl.isIn(this.directory)
        ? BucketUrl.inside(this.directory, output)
        : Either.right(this.path.isAbsolute(output) ? output : this.path.join(this.directory, output))
      return Either.map(relative, (whole) => ({ prefix: "", relative: whole, hasDirectory: true, changes: [] }))
    }
    if (fields.directory !== undefined || fields.name !== undefined) {
      return this.named({ url, index }, fields.directory ?? "", fields.name ?? "")
    }
    const { changes, name } = this.fromUrl({ url, index })
    return Either.right({ prefix: this.prefix, relative: name, hasDirectory: name.includes("/"), changes })
  }

  private fromUrl(source: Naming.Source): { readonly name: string; readonly changes: Wanted["changes"] } {
    const { isChanged, isShortened, path } = this.options.naming(source)
    const reason = isShortened ? tooLong : "because the name in the URL is not safe"
    return { name: path, changes: isChanged ? [[path, reason]] : [] }
  }

  private named(source: Naming.Source, directory: string, name: string): Either.Either<Wanted, string> {
    const wanted = this.path.isAbsolute(name) ? name : `${directory === "" ? "." : directory}/${name}`
    if (wanted.includes("\0")) {
      return Either.left("its name or its directory contains a NUL")
    }
    const absolute = this.path.resolve(this.directory, wanted)
    const segments = this.path.relative(this.path.resolve(this.directory), absolute).split(this.path.sep)
    const isOutside = segments[0] === ".." || this.path.isAbsolute(segments.join(this.path.sep))
    if (isOutside && !this.options.allowOutside) {
      return Either.left(
        `${Printable.excerpt(wanted)} is outside of the directory ${Printable.line(this.directory)}; --allow-outside permits that`
      )
    }
    // `.`, `..` and `sub/` name directories.
    const hasName = !/(?:^|\/)\.{0,2}$/.test(name)
    const ofUrl = hasName ? undefined : this.fromUrl(source)
    const given = ofUrl?.name ?? this.path.basename(absolute)
    const last = hasName ? FileNames.fromText(given) : given
    const parents = (hasName ? segments.slice(0, -1) : segments).filter((segment) => segment !== "")
    const safe = isOutside ? parents : parents.map(FileNames.fromText)
    const relative = [...safe, last].join("/")
    const changes = [...(ofUrl?.changes ?? [])]
    if (relative.normalize("NFC") !== [...parents, given].join("/").normalize("NFC")) {
      const isShortened = [...parents, given].some(FileNames.isTooLong)
      changes.push([relative, isShortened ? tooLong : "because the name in the list is not safe"])
    }
    return Either.right({ prefix: this.prefix, relative, hasDirectory: true, changes })
  }

  /** The path that an earlier run has given the file, or else one that no other file has. */
  private numbered(url: string, { prefix, relative }: Wanted): string {
    const { saved } = this.options
    const own = saved?.of(url, prefix + relative)
    if (own !== undefined) {
      // If it is taken, then by the same URL.
      this.paths.take(own.slice(prefix.length))
      return own
    }
    const isOther = (name: string): boolean => saved?.isOther(prefix + name) === true
    const path = this.paths.take(relative, isOther)
    if (path !== relative) {
      const whose = isOther(relative) ? "another URL has a file of this name" : "an earlier URL has the same name"
      this.options.onRenamed(url, path, `because ${whose}`)
    }
    return prefix + path
  }
}

const tooLong = `because a name can have at most ${FileNames.maxBytes} bytes`

const isNameOf = (path: string, wanted: string): boolean => {
  const number = /-(\d+)(?:(?:\.tar)?\.[A-Za-z0-9]{1,10})?$/.exec(path)?.[1]
  return path === wanted || (number !== undefined && FileNames.numberedPath(wanted, Number(number)) === path)
}

/** The numbers in the name of a file. */
const numbersIn = (path: string): ReadonlyArray<number> =>
  Array.from(path.replace(/^.*[/\\]/s, "").matchAll(/\d{1,15}/g), ([digits]) => Number(digits))
