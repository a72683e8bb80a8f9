/**
 * Gives the files of a run different paths, also on a file system that ignores case. A path of a file is never the path of a
 * directory.
 */
import { CompactCounts } from "./compactCounts.js"
import * as FileNames from "./fileNames.js"

export class UniquePaths {
  // For each path of a file or of a directory: 1, or the last number tried for a file of this path.
  private readonly files = new CompactCounts()
  private readonly directories = new CompactCounts()

  /**
   * Returns the path, or the first numbered path that is free: `a/b-2.gif`. If a file has the path of a directory of it, the
   * directory gets a number: `a-2/b.gif`. Separators are `/`. `isTaken` may refuse more paths.
   */
  take(path: string, isTaken: (path: string) => boolean = () => false): string {
    return this.takeName(this.inDirectories(path), isTaken)
  }

  /** Does the same, and leaves the directories as they are. `isTaken` may refuse more paths. */
  takeName(wanted: string, isTaken: (path: string) => boolean): string {
    const key = keyOf(wanted)
    const counts = this.directories.get(key) > 0 ? this.directories : this.files
    const count = counts.get(key)
    if (count === 0 && this.isFree(wanted, isTaken)) {
      this.files.set(key, 1)
      return wanted
    }
    for (let number = Math.max(1, count) + 1; ; number++) {
      const other = FileNames.numberedPath(wanted, number)
      if (this.isFree(other, isTaken)) {
        counts.set(key, number)
        this.files.set(keyOf(other), 1)
        return other
      }
    }
  }

  private isFree(path: string, isTaken: (path: string) => boolean): boolean {
    return this.files.get(keyOf(path)) === 0 && this.directories.get(keyOf(path)) === 0 && !isTaken(path)
  }

  /** The path with directories that no file has. Reserves the directories. */
  private inDirectories(path: string): string {
    const names = path.split("/")
    const name = names.pop() ?? ""
    let directory = ""
    for (const wanted of names) {
      let found = directory + wanted
      for (let number = 2; wanted !== "" && this.files.get(keyOf(found)) > 0; number++) {
        found = directory + FileNames.numbered(wanted, number)
      }
      if (this.directories.get(keyOf(found)) === 0) {
        this.directories.set(keyOf(found), 1)
      }
      directory = `${found}/`
    }
    return directory + name
  }
}

const keyOf = (path: string): string => path.normalize("NFC").toLowerCase()
