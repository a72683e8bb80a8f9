/**
 * The checksums of `--sums`, for the URLs of arguments and other lists.
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Stream from "effect/Stream"
import { displayUrl } from "../../../../internal/text/displayUrl.js"
import * as Printable from "../../../../internal/text/printable.js"
import { UsageError } from "../../../UsageError.js"
import { bytesOf } from "../../input.js"
import type { BaseUrl } from "../baseUrl.js"
import type { Item } from "../item.js"
import { Lines } from "../lines.js"
import * as ChecksumLine from "./checksumLine.js"

/** Reads checksum files whole. Returns undefined if there are none. */
export const read = Effect.fnUntraced(function* (
  paths: ReadonlyArray<string>,
  baseUrl: BaseUrl | undefined,
  note: (text: string) => void
) {
  const checksums = new Checksums(paths.map(Printable.line).join(", "), baseUrl)
  for (const path of paths) {
    const name = Printable.line(path)
    const bytes = yield* bytesOf(`--sums ${name}`, path)
    const lines = new Lines()
    let found = 0
    let others = 0
    const take = (): void => {
      for (let line = lines.next(); line !== undefined; line = lines.next()) {
        const checksum = line.isCut ? undefined : ChecksumLine.parse(line.text)
        if (checksum !== undefined) {
          found++
          checksums.add(checksum)
        } else if (line.text.trim() !== "" && !line.text.startsWith("#")) {
          others++
        }
      }
    }
    yield* Stream.runForEachChunk(bytes, (chunk) =>
      Effect.sync(() => {
        lines.add(chunk)
        take()
      })
    )
    lines.end()
    take()
    if (found === 0) {
      return yield* new UsageError({ message: `--sums ${name}: it has no line with a checksum and a name` })
    }
    // For example those of a signature.
    if (others > 0) {
      note(`${name}: ${others === 1 ? "1 line is not a checksum" : `${others} lines are not checksums`}`)
    }
  }
  return paths.length === 0 ? undefined : checksums
})

export class Checksums {
  /** The digests of each file, by the last segment of its path and then by its path. */
  private readonly byName = new Map<string, Map<string, string>>()
  private readonly byUrl = new Map<string, string>()
  private readonly missing: Array<string> = []
  private missingCount = 0

  constructor(
    /** The checksum files. */
    private readonly name: string,
    private readonly baseUrl: BaseUrl | undefined
  ) {}

  add({ digest, path }: ChecksumLine.Checksum): void {
    const segments = path.split("/").filter((segment) => segment !== "" && segment !== ".")
    const name = segments.at(-1) ?? ""
    const paths = this.byName.get(name) ?? new Map<string, string>()
    const key = segments.join("/")
    paths.set(key, joined(paths.get(key), digest))
    this.byName.set(name, paths)
    if (this.baseUrl !== undefined) {
      const url = this.baseUrl.ofPath(path)
      this.byUrl.set(url, joined(this.byUrl.get(url), digest))
    }
  }

  /**
   * The checksum of an item: that of its URL, or else that of its file name. Undefined if there is none, which is counted. If files
   * in several directories have that name, the checksum is that of the longest path with which the URL ends.
   */
  of({ fields, url }: Item): Either.Either<string | undefined, string> {
    const path = pathOf(url)
    const exact = this.byUrl.size === 0 || path === undefined ? undefined : this.byUrl.get(new URL(url).href)
    if (exact !== undefined) {
      return Either.right(exact)
    }
    const found = [path, fields.name].map((candidate) => (candidate === undefined ? undefined : this.ofPath(candidate)))
    const checksum = found.find((candidate) => candidate !== undefined)
    if (checksum !== undefined) {
      return checksum
    }
    this.missingCount++
    if (this.missing.length < missingAtMost) {
      this.missing.push(displayUrl(url))
    }
    return Either.right(undefined)
  }

  /** The line for the user if some files have no checksum. */
  notice(): string | undefined {
    const { missing, missingCount, name } = this
    const more = missingCount > missing.length ? ` and ${missingCount - missing.length} more` : ""
    return missingCount === 0 ? undefined : `no checksum in ${name} for ${missing.join(", ")}${more}`
  }

  private ofPath(path: string): Either.Either<string, string> | undefined {
    const name = path.slice(path.lastIndexOf("/") + 1)
    const paths = this.byName.get(name)
    if (paths === undefined) {
      return undefined
    }
    let longest: string | undefined
    for (const candidate of paths.keys()) {
      if (`/${path}`.endsWith(`/${candidate}`) && candidate.length > (longest?.length ?? 0)) {
        longest = candidate
      }
    }
    const digests = new Set(paths.values())
    const [only = ""] = digests
    return longest !== undefined
      ? Either.right(paths.get(longest) ?? "")
      : digests.size === 1
        ? Either.right(only)
        : Either.left(`${this.name} has several files with the name ${Printable.line(name)}`)
  }
}

const missingAtMost = 5

/** A file may have checksums of several algorithms. */
const joined = (before: string | undefined, digest: string): string =>
  before === undefined || before === digest ? digest : `${before} ${digest}`

/** The path of a URL, decoded. */
const pathOf = (url: string): string | undefined => {
  if (!URL.canParse(url)) {
    return undefined
  }
  const { pathname } = new URL(url)
  return Either.getOrElse(
    Either.try(() => decodeURIComponent(pathname)),
    () => pathname
  )
}
