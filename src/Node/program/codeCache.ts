/**
 * Loads a CommonJS file with the code that V8 compiled in an earlier run.
 *
 * The code is cached in a file beside it. The cache is used only if it belongs to the owner of the program and other users cannot
 * write to the directory. If the cache is damaged, from another build or another version of Node, or cannot be written, the
 * program runs without it.
 */
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync
} from "node:fs"
import { createRequire } from "node:module"
import { dirname } from "node:path"
import { cachedDataVersionTag } from "node:v8"
import { Script } from "node:vm"
import { isMainThread } from "node:worker_threads"
import * as zlib from "node:zlib"

export interface Options {
  /** What tells one content of the file from all others, in ASCII; always of the same length. */
  readonly build: string
  /** What is about to be run of the file: code is kept for each part, because a run compiles no more than it uses. */
  readonly part: string
}

/** What the file exports. */
export const load = <Exports>(file: string, { build, part }: Options): Exports => {
  const require = createRequire(file)
  const owner = statSync(file).uid
  const directory = statSync(dirname(file))
  const isOwn = owner === process.getuid?.() || process.platform === "win32"
  const cache = `${file}.${part}-${process.version}-${process.arch}-${cachedDataVersionTag().toString(16)}.cache`
  const isPossible =
    canSum &&
    !isDisabled() &&
    // The superuser can change every file in any case.
    (directory.uid === owner || directory.uid === 0) &&
    !mayBeWrittenBy(directory.mode, othersWrite)
  const cachedData = isPossible ? read(cache, owner, build) : undefined
  if (cachedData === undefined && !(isPossible && isOwn)) {
    // As Node does it, which may have a cache of its own (NODE_COMPILE_CACHE, from 22 on).
    return require(file)
  }
  // Nothing but ASCII stands in the file, and this is the quickest way to read it.
  const source = readFileSync(file, "latin1")
  const script = new Script(`(function(exports,require,module,__filename,__dirname){${source}\n})`, {
    filename: file,
    cachedData
  })
  const module: { exports: Exports } = { exports: Object.create(null) }
  script.runInThisContext()(module.exports, require, module, file, dirname(file))
  if (isMainThread && isOwn && (cachedData === undefined || script.cachedDataRejected === true)) {
    process.once("exit", (exitCode) => {
      // What failed has run another part, or less of it.
      if (exitCode === 0 && performance.now() < longRunMillis) {
        write(cache, build, script)
      }
    })
  }
  return module.exports
}

// Node got this function in 20.15 and 22.2. Without a sum of its own, damaged code would crash V8.
const canSum = typeof zlib.crc32 === "function"

// The name by which Node's own cache is told to keep away.
const isDisabled = (): boolean => (process.env["NODE_DISABLE_COMPILE_CACHE"] ?? "") !== ""

const sumBytes = 4

// V8 forgets functions that have not run for long, and those that start the program run once.
const longRunMillis = 10_000

const othersWrite = 0o022

// The code of the whole program has a tenth of this size.
const mostBytes = 64 * 1024 * 1024

// A file that is not regular is refused after it is opened, and opening it does not block. Windows has no such flags.
const readOnly = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)

// What the mode of a file says where there are such modes.
const mayBeWrittenBy = (mode: number, whom: number): boolean => process.platform !== "win32" && (mode & whom) !== 0

const read = (cache: string, owner: number, build: string): Buffer | undefined => {
  let descriptor: number | undefined
  try {
    descriptor = openSync(cache, readOnly)
    const info = fstatSync(descriptor)
    const { mode, nlink, size, uid } = info
    // A second hard link could be in a directory to which other users can write.
    if (!info.isFile() || nlink !== 1 || uid !== owner || mayBeWrittenBy(mode, othersWrite) || size > mostBytes) {
      return undefined
    }
    const bytes = Buffer.allocUnsafeSlow(size)
    const headBytes = build.length + sumBytes
    if (
      readSync(descriptor, bytes) !== size ||
      size < headBytes ||
      bytes.toString("latin1", 0, build.length) !== build
    ) {
      return undefined
    }
    const code = bytes.subarray(headBytes)
    return zlib.crc32(code) === bytes.readUInt32LE(build.length) ? code : undefined
  } catch {
    return undefined
  } finally {
    if (descriptor !== undefined) {
      closeSync(descriptor)
    }
  }
}

const write = (cache: string, build: string, script: Script): void => {
  const unfinished = `${cache}.${process.pid}-${Math.trunc(performance.timeOrigin)}`
  // A start that takes longer is no error.
  attempt(() => {
    // Before the code is made, which takes longer than to learn that this directory cannot be written.
    const descriptor = openSync(unfinished, "wx", 0o644)
    try {
      const code = script.createCachedData()
      const head = Buffer.alloc(build.length + sumBytes)
      head.write(build, "latin1")
      head.writeUInt32LE(zlib.crc32(code), build.length)
      // Where the disk takes less, the sum tells.
      writeSync(descriptor, Buffer.concat([head, code]))
      renameSync(unfinished, cache)
    } catch {
      attempt(() => unlinkSync(unfinished))
    } finally {
      closeSync(descriptor)
    }
  })
}

const attempt = (action: () => void): void => {
  try {
    action()
  } catch {
    // Nothing depends on it.
  }
}
