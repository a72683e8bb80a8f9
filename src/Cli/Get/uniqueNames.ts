/**
 * Gives each URL of a run a different file name, also on a file system that ignores case.
 */
import { CompactCounts } from "../../internal/text/compactCounts.js"
import * as FileNames from "../../internal/text/fileNames.js"

/** Calls `onRenamed` for each name that gets a number. */
export const uniqueNames = (onRenamed: (url: string, name: string) => void): ((url: string) => string) => {
  // For each name: how often it was used, or the last number tried for it.
  const given = new CompactCounts()
  const keyOf = (name: string) => name.normalize("NFC").toLowerCase()
  return (url) => {
    const name = FileNames.fromUrl(url)
    const key = keyOf(name)
    const count = given.get(key)
    if (count === 0) {
      given.set(key, 1)
      return name
    }
    for (let number = count + 1; ; number++) {
      const other = FileNames.numbered(name, number)
      if (given.get(keyOf(other)) === 0) {
        given.set(key, number)
        given.set(keyOf(other), 1)
        onRenamed(url, other)
        return other
      }
    }
  }
}
