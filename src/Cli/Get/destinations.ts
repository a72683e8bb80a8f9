/**
 * Gives each item of a run a file of its own inside the directory of the run. The names and directories that a list gives are not
 * trusted: each segment of them becomes a safe name.
 */
import type * as Path from "@effect/platform/Path"
import * as Either from "effect/Either"
import * as FileNames from "../../internal/text/fileNames.js"
import * as Printable from "../../internal/text/printable.js"
import { UniquePaths } from "../../internal/text/uniquePaths.js"
import type * as Naming from "../../Naming.js"
import type { Item } from "./input/item.js"
import type { SavedPaths } from "./savedPaths.js"

export interface Destination {
  readonly path: string
  /** The directory of the file, if it is not the directory of the run. */
  readonly directory: string | undefined
}

export class Destinations {
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
      /** Whether files with the same name get numbers, if their names come from URLs. */
      readonly isNumbered: boolean
      /** The names that files have from earlier runs. Undefined: they do not matter. */
      readonly saved: SavedPaths | undefined
      /** Called for each item whose name is not the wanted one. */
      readonly onRenamed: (url: string, name: string, reason: string) => void
    }
  ) {
    // A path inside has no `..`, so all destinations have the same prefix.
    this.prefix = path.join(directory, "_").split(/_$/)[0] ?? ""
  }

  /** The destination of an item at a position of the input, or why the item has none. */
  of({ fields, output, url }: Item, index: number): Either.Either<Destination, string> {
    if (output !== undefined) {
      const path = this.path.isAbsolute(output) ? output : this.path.join(this.directory, output)
      return Either.right({ path: this.numbered(url, path, true), directory: this.path.dirname(path) })
    }
    const isNumbered = this.options.isNumbered || fields.name !== undefined
    if (fields.directory !== undefined || fields.name !== undefined) {
      return this.named({ url, index }, fields.directory ?? "", fields.name ?? "", isNumbered)
    }
    const path = this.prefix + this.numbered(url, this.fromUrl({ url, index }), isNumbered)
    return Either.right({
      path,
      directory: path.indexOf("/", this.prefix.length) < 0 ? undefined : this.path.dirname(path)
    })
  }

  private fromUrl(source: Naming.Source): string {
    const { isChanged, path } = this.options.naming(source)
    if (isChanged) {
      this.options.onRenamed(source.url, path, "because the name in the URL is not safe")
    }
    return path
  }

  private named(
    source: Naming.Source,
    directory: string,
    name: string,
    isNumbered: boolean
  ): Either.Either<Destination, string> {
    const { url } = source
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
    const given = hasName ? this.path.basename(absolute) : this.fromUrl(source)
    const last = hasName ? FileNames.fromText(given) : given
    const parents = (hasName ? segments.slice(0, -1) : segments).filter((segment) => segment !== "")
    const safe = isOutside ? parents : parents.map(FileNames.fromText)
    const relative = [...safe, last].join("/")
    if (relative.normalize("NFC") !== [...parents, given].join("/").normalize("NFC")) {
      this.options.onRenamed(url, relative, "because the name in the list is not safe")
    }
    const path = this.prefix + this.numbered(url, relative, isNumbered)
    return Either.right({ path, directory: this.path.dirname(path) })
  }

  private numbered(url: string, relative: string, isNumbered: boolean): string {
    if (!isNumbered) {
      return relative
    }
    const { saved } = this.options
    const own = saved?.of(url, relative)
    if (own !== undefined) {
      // If it is taken, then by the same URL.
      this.paths.take(own)
      return own
    }
    const path = this.paths.take(relative, (name) => saved?.isOther(name) === true)
    if (path !== relative) {
      const whose =
        saved?.isOther(relative) === true ? "another URL has a file of this name" : "an earlier URL has the same name"
      this.options.onRenamed(url, path, `because ${whose}`)
    }
    return path
  }
}
