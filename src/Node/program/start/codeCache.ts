/**
 * Loads a CommonJS file with the code that V8 compiled in an earlier run. The file has the function around it that Node adds.
 *
 * The code is beside the file, where the build has put it for some versions of Node, or in the cache directory of the user. It is used
 * only if no other user can have written it: a file beside the program belongs to the owner of the program, and a file in the cache
 * directory to the user. If the code is damaged, from another build or another version of Node, or cannot be written, the program
 * runs without it.
 */
import { closeSync, openSync, readFileSync, renameSync, statSync, unlinkSync, writeSync } from "node:fs"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { cachedDataVersionTag } from "node:v8"
import { Script } from "node:vm"
import { isMainThread } from "node:worker_threads"
import * as zlib from "node:zlib"
import * as CacheDirectory from "./cacheDirectory.js"

export interface Options {
  /** Identifies the content of the file. ASCII text of a fixed length. */
  readonly build: string
  /** The part of the file that this run uses. Each part has its own cache, because V8 compiles only functions that run. */
  readonly part: string
  /** Modules of Node that the part uses. Node has their code for the default flags of V8: later it would have to compile them. */
  readonly builtins: ReadonlyArray<string>
  /** Sets the flags of V8. It rejects code that was kept under other flags. */
  readonly setFlags: () => void
}

/** Returns the exports of the file. */
export const load = <Exports>(file: string, { build, builtins, part, setFlags }: Options): Exports => {
  const require = createRequire(file)
  if (isMainThread) {
    for (const name of builtins) {
      require(`node:${name}`)
    }
    setFlags()
  }
  const isPossible = hasChecksum && !isDisabled()
  const name = `${build.slice(0, 16)}-${part}-${process.version}-${process.platform}-${process.arch}`
  // The tag has the flags and the features of the processor.
  const ownName = `${name}-${cachedDataVersionTag().toString(16)}.cache`
  const directory = isPossible ? CacheDirectory.path() : undefined
  // If V8 rejects the code beside the program, this run writes code of its own, which later runs find first.
  const cachedData = isPossible
    ? (attempt(() => readOwn(directory, ownName, build)) ?? attempt(() => readBeside(file, `${name}.cache`, build)))
    : undefined
  // The file is ASCII, and this is the fastest way to read it.
  const script = new Script(readFileSync(file, "latin1"), {
    filename: file,
    ...(cachedData === undefined ? {} : { cachedData })
  })
  const module: { exports: Exports } = { exports: Object.create(null) }
  script.runInThisContext()(module.exports, require, module, file, dirname(file))
  if (isMainThread && directory !== undefined && (cachedData === undefined || script.cachedDataRejected === true)) {
    process.once("exit", (exitCode) => {
      // A failed run has used other or less code.
      if (exitCode === 0 && performance.now() < longRunMillis) {
        // Without a cache the next start only takes longer.
        attempt(() => write(directory, ownName, build, script, setFlags))
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

const readBeside = (file: string, name: string, build: string): Buffer | undefined => {
  const owner = statSync(file).uid
  const directory = statSync(dirname(file))
  return (
    // The superuser can change every file in any case.
    (directory.uid === owner || directory.uid === 0) && !CacheDirectory.isWritableByOthers(directory.mode)
      ? checked(CacheDirectory.read(join(dirname(file), name), owner), build)
      : undefined
  )
}

const readOwn = (directory: string | undefined, name: string, build: string): Buffer | undefined =>
  directory !== undefined && CacheDirectory.isSafe(directory)
    ? checked(CacheDirectory.read(join(directory, name), process.getuid?.() ?? 0), build)
    : undefined

const checked = (bytes: Buffer | undefined, build: string): Buffer | undefined => {
  if (
    bytes === undefined ||
    bytes.length < build.length + checksumBytes ||
    bytes.toString("latin1", 0, build.length) !== build
  ) {
    return undefined
  }
  const code = bytes.subarray(build.length + checksumBytes)
  return zlib.crc32(code) === bytes.readUInt32LE(build.length) ? code : undefined
}

const write = (directory: string, name: string, build: string, script: Script, setFlags: () => void): void => {
  if (!CacheDirectory.make(directory)) {
    return
  }
  const file = join(directory, name)
  const unfinished = CacheDirectory.unfinished(file)
  // Opens the file first, because making the code takes longer.
  const descriptor = openSync(unfinished, "wx", 0o600)
  try {
    setFlags()
    const code = script.createCachedData()
    const head = Buffer.alloc(build.length + checksumBytes)
    head.write(build, "latin1")
    head.writeUInt32LE(zlib.crc32(code), build.length)
    // If the disk is full, the checksum does not match.
    writeSync(descriptor, Buffer.concat([head, code]))
    renameSync(unfinished, file)
  } catch {
    unlinkSync(unfinished)
  } finally {
    closeSync(descriptor)
  }
  CacheDirectory.prune(directory)
}

const attempt = <A>(action: () => A): A | undefined => {
  try {
    return action()
  } catch {
    return undefined
  }
}
