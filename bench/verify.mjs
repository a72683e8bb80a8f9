// Whether every file of a run is there with the right bytes.
import { createHash } from "node:crypto"
import { closeSync, openSync, readSync } from "node:fs"
import { join } from "node:path"

const buffer = Buffer.allocUnsafe(4 * 1024 * 1024)

const digestOf = (path) => {
  const file = openSync(path, "r")
  try {
    const hash = createHash("sha256")
    for (let bytes = readSync(file, buffer); bytes > 0; bytes = readSync(file, buffer)) {
      hash.update(buffer.subarray(0, bytes))
    }
    return hash.digest("hex")
  } finally {
    closeSync(file)
  }
}

/** One sentence on what is wrong; undefined where nothing is. */
export const wrongBytes = (directory, files) => {
  let missing = 0
  let wrong = 0
  for (const { name, digest } of files) {
    try {
      wrong += digestOf(join(directory, name)) === digest ? 0 : 1
    } catch {
      missing++
    }
  }
  return missing + wrong === 0 ? undefined : `of ${files.length} files ${missing} are missing and ${wrong} are wrong`
}
