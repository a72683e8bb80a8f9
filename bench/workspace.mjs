// Where a run of the benchmarks keeps its files: a directory on tmpfs if there is room, and one on a disk. Both are removed at the
// very end.
import { execFileSync } from "node:child_process"
import { accessSync, constants, mkdirSync, mkdtempSync, rmSync, statfsSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const tmpfsMagic = 0x01021994

const isOnTmpfs = (directory) => statfsSync(directory).type === tmpfsMagic

// The name of a file system, such as ext4.
const fileSystemOf = (directory) => {
  try {
    return execFileSync("findmnt", ["-n", "-o", "FSTYPE", "-T", directory], { encoding: "utf8" }).trim()
  } catch {
    return "a disk"
  }
}

const diskDirectory = () =>
  [tmpdir(), fileURLToPath(new URL(".", import.meta.url))].find((directory) => !isOnTmpfs(directory))

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
  const diskParent = diskDirectory()
  let diskRoot
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
    /** The file system of a disk; undefined if there is none. */
    diskName: diskParent === undefined ? undefined : fileSystemOf(diskParent),
    /** A new directory on the disk, after everything that earlier runs wrote has reached it. */
    freshOnDisk: (name) => {
      diskRoot ??= mkdtempSync(join(diskParent, "halyard-bench-"))
      const path = join(diskRoot, `${++count}-${name.replace(/\W+/g, "-")}`)
      mkdirSync(path)
      execFileSync("sync", ["-f", path])
      return path
    },
    // ext4 skips inodes that were deleted a moment ago: what is removed between two runs makes the second one slow.
    done: (path) => {
      if (onTmpfs && path.startsWith(root)) {
        rmSync(path, { recursive: true, force: true })
      }
    },
    remove: () => {
      for (const path of [root, ...(diskRoot === undefined ? [] : [diskRoot])]) {
        rmSync(path, { recursive: true, force: true, maxRetries: 3 })
      }
    }
  }
}
