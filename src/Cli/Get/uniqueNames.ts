/**
 * Names files so that no two URLs of a run share one, on a file system that knows no upper case either.
 *
 * @internal
 */
import { CompactCounts } from "../../internal/compactCounts.js"
import * as FileName from "../../internal/fileName.js"

/** `onRenamed` is told of each name that has a number. */
export const uniqueNames = (onRenamed: (url: string, name: string) => void): ((url: string) => string) => {
  // How often each was given; of one that many want, the last number that was tried.
  const given = new CompactCounts()
  const keyOf = (name: string) => name.normalize("NFC").toLowerCase()
  return (url) => {
    const name = FileName.ofUrl(url)
    const key = keyOf(name)
    const count = given.get(key)
    if (count === 0) {
      given.set(key, 1)
      return name
    }
    for (let number = count + 1; ; number++) {
      const other = FileName.numbered(name, number)
      if (given.get(keyOf(other)) === 0) {
        given.set(key, number)
        given.set(keyOf(other), 1)
        onRenamed(url, other)
        return other
      }
    }
  }
}
