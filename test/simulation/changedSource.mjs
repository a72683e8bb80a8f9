import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"

const source = new URL("../../src/", import.meta.url)

/**
 * The files of `src` that a planted bug changes, as a map of paths to texts. A bug is `[name, ...edits]`, and an edit is
 * `[file, text, replacement]`. Throws if a file does not have a text exactly once.
 */
export const changedSource = ([name, ...edits]) => {
  const changed = new Map()
  for (const [file, text, replacement] of edits) {
    const path = fileURLToPath(new URL(file, source))
    const before = changed.get(path) ?? readFileSync(path, "utf8")
    if (before.split(text).length !== 2) {
      throw new Error(`'${name}': ${file} has not exactly one '${text}'`)
    }
    changed.set(
      path,
      before.replace(text, () => replacement)
    )
  }
  return changed
}
