/**
 * The directory of the user in which the program keeps compiled code, and the checks that no other user has put code there.
 */
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  statSync
} from "node:fs"
import { dirname, isAbsolute, join } from "node:path"

/** `halyard` in the directory for caches of the user. Undefined if the environment names none. */
export const path = (): string | undefined => {
  const { env, platform } = process
  const [caches, ...names] =
    platform === "win32"
      ? [env["LOCALAPPDATA"]]
      : isAbsolute(env["XDG_CACHE_HOME"] ?? "")
        ? [env["XDG_CACHE_HOME"]]
        : [env["HOME"], ...(platform === "darwin" ? ["Library", "Caches"] : [".cache"])]
  return caches !== undefined && isAbsolute(caches) ? join(caches, ...names, "halyard") : undefined
}

/**
 * Creates the directory if it does not exist. True if code can be kept in it. Nothing is created in a directory of another user:
 * after `sudo`, the home directory may belong to the user that called `sudo`.
 */
export const make = (directory: string): boolean => {
  if (!existsSync(directory) && isOwn(statSync(nearestExisting(directory)).uid)) {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
  }
  return isSafe(directory)
}

/** Whether a directory exists, belongs to the user of the process, and cannot be changed by other users. */
export const isSafe = (directory: string): boolean => {
  const info = lstatSync(directory, { throwIfNoEntry: false })
  return info?.isDirectory() === true && isOwn(info.uid) && !isWritableByOthers(info.mode)
}

/** Whether group or others can write. Windows has no such modes. */
export const isWritableByOthers = (mode: number): boolean => process.platform !== "win32" && (mode & 0o022) !== 0

/** Reads a regular file of this owner that has no other name, and that only its owner can write to. */
export const read = (file: string, owner: number): Buffer | undefined => {
  let descriptor: number | undefined
  try {
    descriptor = openSync(file, readOnly)
    const info = fstatSync(descriptor)
    const { mode, nlink, size, uid } = info
    // A second hard link could be in a directory to which other users can write.
    if (!info.isFile() || nlink !== 1 || uid !== owner || isWritableByOthers(mode) || size > fileAtMostBytes) {
      return undefined
    }
    const bytes = Buffer.allocUnsafeSlow(size)
    return readSync(descriptor, bytes) === size ? bytes : undefined
  } catch {
    return undefined
  } finally {
    if (descriptor !== undefined) {
      closeSync(descriptor)
    }
  }
}

/** Removes the oldest files of a kind until the limit is met, and what a killed process has left unfinished. */
export const prune = (directory: string): void => {
  const now = Date.now()
  const found = readdirSync(directory).flatMap((name) => {
    const info = lstatSync(join(directory, name), { throwIfNoEntry: false })
    return info?.isFile() === true ? [{ name, atMillis: info.mtimeMs }] : []
  })
  const finished = found
    .filter(({ name }) => name.endsWith(".cache"))
    .sort((one, other) => other.atMillis - one.atMillis)
  const left = found.filter(({ atMillis, name }) => unfinishedName.test(name) && now - atMillis > unfinishedForMillis)
  for (const { name } of [...finished.slice(filesAtMost), ...left]) {
    rmSync(join(directory, name), { force: true })
  }
}

/** The name of a file until it is complete. */
export const unfinished = (file: string): string => `${file}.${process.pid}-${Math.trunc(performance.timeOrigin)}`

const unfinishedName = /\.cache\.\d+-\d+$/

// A file is written within milliseconds.
const unfinishedForMillis = 3_600_000

// A file has about 2 MB. A version of the program on a version of Node has up to five.
const filesAtMost = 15

const fileAtMostBytes = 64 * 1024 * 1024

// Only a regular file is read. Opening another file must not block. Windows has no such flags.
const readOnly = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)

const isOwn = (uid: number): boolean => process.getuid === undefined || uid === process.getuid()

const nearestExisting = (directory: string): string =>
  existsSync(directory) ? directory : nearestExisting(dirname(directory))
