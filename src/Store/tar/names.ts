/**
 * The names of entries. Readers of WebDataset take the name of a file up to the first dot of its last segment as the key of the
 * sample, and the rest as the name of the field.
 *
 * @internal
 */
import * as FileNames from "../../internal/text/fileNames.js"

/**
 * Returns the path of a destination inside a tar: segments with slashes between them. Undefined if it has no segment, or leads out
 * of the directory into which the tar is unpacked.
 */
export const pathOf = (destination: string): string | undefined => {
  const segments = destination.split(/[/\\]/).filter((segment) => segment !== "" && segment !== ".")
  return segments.length === 0 || segments.includes("..") || destination.includes("\0") ? undefined : segments.join("/")
}

/** The names of the entries of one sample. */
export interface SampleNames {
  readonly key: string
  /** The entry with the content. */
  readonly content: string
  readonly metadata: string
}

/** Returns names whose key is not taken. */
export const namesOf = (path: string, isTaken: (key: string) => boolean): SampleNames => {
  const base = FileNames.lastSegment(path)
  const directory = path.slice(0, path.length - base.length)
  const suffix = FileNames.suffixOf(base)
  const stem = base.slice(0, base.length - suffix.length).replaceAll(".", "_")
  // A suffix alone, as in ".env", is no suffix.
  const [name, field] = stem === "" ? [base.slice(1), "bin"] : [stem, suffix === "" ? "bin" : suffix.slice(1)]
  const wanted = shown(directory) + name
  let key = wanted
  for (let number = 2; isTaken(key); number++) {
    key = `${wanted}-${number}`
  }
  // Readers compare the names of fields in lower case.
  const metadata = field.toLowerCase() === "json" ? "meta.json" : "json"
  return { key, content: `${key}.${field}`, metadata: `${key}.${metadata}` }
}

// Readers leave out entries in a first directory such as "__MACOSX__".
const shown = (directory: string): string => (/^__[^/]*__\//.test(directory) ? directory.slice(1) : directory)
