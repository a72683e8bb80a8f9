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
  /** Identifies the content of the file. ASCII text of a fixed length. */
  readonly build: string
  /** The part of the file that this run uses. Each part has its own cache, because V8 compiles only functions that run. */
  readonly part: string
}

/** Returns the exports of the file. */
export const load = <Exports>(file: string, { build, part }: Options): Exports => {
  const require = createRequire(file)
  const owner = statSync(file).uid
  const directory = statSync(dirname(file))
  const isOwn = owner === process.getuid?.() || process.platform === "win32"
  const cache = `${file}.${part}-${process.version}-${process.arch}-${cachedDataVersionTag().toString(16)}.cache`
  const isPossible =
    hasChecksum &&
    !isDisabled() &&
    // The superuser can change every file in any case.
    (directory.uid === owner || directory.uid === 0) &&
    !isWritableByOthers(directory.mode)
  const cachedData = isPossible ? read(cache, owner, build) : undefined
  if (cachedData === undefined && !(isPossible && isOwn)) {
    // Node may use its own cache here (NODE_COMPILE_CACHE, from Node 22).
    return require(file)
  }
  // The file is ASCII, and this is the fastest way to read it.
  const source = readFileSync(file, "latin1")
  const script = new Script(`(function(exports,require,module,__filename,__dirname){${source}\n})`, {
    filename: file,
    cachedData
  })
  const module: { exports: Exports } = { exports: Object.create(null) }
  script.runInThisContext()(module.exports, require, module, file, dirname(file))
  if (isMainThread && isOwn && (cachedData === undefined || script.cachedDataRejected === true)) {
    process.once("exit", (exitCode) => {
      // A failed run has used other or less code.
      if (exitCode === 0 && performance.now() < longRunMillis) {
        write(cache, build, script)
      }
    })
  }
  return module.exports
}

// Node 20.15 and 22.2 added this function. Without a checksum, damaged code would crash V8.
const hasChecksum = typeof zlib.crc32 === "function"

// The variable that disables Node's own cache.
const isDisabled = (): boolean => (process.env["NODE_DISABLE_COMPILE_CACHE"] ?? "") !== ""

const checksumBytes = 4

// V8 drops the code of functions that have not run for long. The start of the program runs once.
const longRunMillis = 10_000

// Ten times the size of the code of the whole program.
const cacheAtMostBytes = 64 * 1024 * 1024

// Only a regular file is read. Opening another file must not block. Windows has no such flags.
const readOnly = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)

// Windows has no such modes.
const isWritableByOthers = (mode: number): boolean => process.platform !== "win32" && (mode & 0o022) !== 0

const read = (cache: string, owner: number, build: string): Buffer | undefined => {
  let descriptor: number | undefined
  try {
    descriptor = openSync(cache, readOnly)
    const info = fstatSync(descriptor)
    const { mode, nlink, size, uid } = info
    // A second hard link could be in a directory to which other users can write.
    if (!info.isFile() || nlink !== 1 || uid !== owner || isWritableByOthers(mode) || size > cacheAtMostBytes) {
      return undefined
    }
    const bytes = Buffer.allocUnsafeSlow(size)
    const headBytes = build.length + checksumBytes
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
  // Without a cache the next start only takes longer.
  attempt(() => {
    // Opens the file first, because making the code takes longer.
    const descriptor = openSync(unfinished, "wx", 0o644)
    try {
      const code = script.createCachedData()
      const head = Buffer.alloc(build.length + checksumBytes)
      head.write(build, "latin1")
      head.writeUInt32LE(zlib.crc32(code), build.length)
      // If the disk is full, the checksum does not match.
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
    // The program runs without a cache.
  }
}
