// Where a run of the benchmarks keeps its files: one directory that is removed at the very end, on tmpfs where there is room.
import { accessSync, constants, mkdirSync, mkdtempSync, rmSync, statfsSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

const tmpfsMagic = 0x01021994

const freeBytes = (directory) => {
  try {
    accessSync(directory, constants.W_OK)
    const { type, bavail, bsize } = statfsSync(directory)
    return type === tmpfsMagic ? bavail * bsize : 0
  } catch {
    return 0
  }
}

export const makeWorkspace = (neededBytes) => {
  const onTmpfs = freeBytes("/dev/shm") >= neededBytes
  const root = mkdtempSync(join(onTmpfs ? "/dev/shm" : tmpdir(), "halyard-bench-"))
  let count = 0
  const directory = (name) => {
    const path = join(root, name)
    mkdirSync(path, { recursive: true })
    return path
  }
  return {
    root,
    onTmpfs,
    directory,
    fresh: (name) => directory(join("runs", `${++count}-${name.replace(/\W+/g, "-")}`)),
    // ext4 skips inodes that were deleted a moment ago: what is removed between two runs makes the second one slow.
    done: (path) => {
      if (onTmpfs) {
        rmSync(path, { recursive: true, force: true })
      }
    },
    remove: () => rmSync(root, { recursive: true, force: true, maxRetries: 3 })
  }
}
