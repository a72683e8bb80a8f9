/**
 * The pages of the documentation and their links.
 */
import { readdirSync, readFileSync } from "node:fs"
import { posix } from "node:path"

const root = new URL("../../", import.meta.url)

/** The content of a file, by its path from the root of the repository. */
export const read = (path: string): string => readFileSync(new URL(path, root), "utf8")

/** The paths of all pages, from the root of the repository. */
export const pages: ReadonlyArray<string> = [
  "README.md",
  "ARCHITECTURE.md",
  "CHANGELOG.md",
  "CONTRIBUTING.md",
  "bench/README.md",
  ...readdirSync(new URL("docs/", root))
    .sort()
    .map((name) => `docs/${name}`)
]

/** A page without its blocks of code. */
export const withoutCode = (text: string): string => text.replace(/^ *```[\s\S]*?^ *```$/gm, "")

/** A link to a file of the repository. */
export interface Link {
  /** From the root of the repository. */
  readonly path: string
  readonly heading: string | undefined
}

/** The links of a page, except those to other sites. */
export const linksOf = (page: string): ReadonlyArray<Link> =>
  Array.from(withoutCode(read(page)).matchAll(/\]\(([^)\s]+)\)/g), ([, link = ""]) => link)
    .filter((link) => !/^[a-z]+:/.test(link))
    .map((link) => {
      const [path = "", heading] = link.split("#")
      return { path: path === "" ? page : posix.join(posix.dirname(page), path), heading }
    })

/** The headings of a page as GitHub writes them in a link. */
export const headingsOf = (page: string): ReadonlyArray<string> =>
  Array.from(withoutCode(read(page)).matchAll(/^#+ (.*)$/gm), ([, heading = ""]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-")
  )
