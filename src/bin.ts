/**
 * The first file of the program, in the main thread and in worker threads. It prints the version without loading the program,
 * and loads the program for every other command line.
 */
import { fileURLToPath } from "node:url"
import { isMainThread } from "node:worker_threads"
import * as StandardOutput from "./Node/program/output/standardOutput.js"
import * as Terminals from "./Node/program/process/terminals.js"
import type { Program } from "./Node/program/program.js"
import { role } from "./Node/program/shards/role.js"
import * as CodeCache from "./Node/program/start/codeCache.js"
import * as SmallHeap from "./Node/program/start/smallHeap.js"

declare const HALYARD_VERSION: string
/** Identify the builds of the program, with and without the engine of batches. */
declare const HALYARD_BUILD: string
declare const HALYARD_BATCHES_BUILD: string

const [first, ...others] = process.argv.slice(2)

const command = process.argv.slice(2).find((word) => !word.startsWith("-"))

/** Whether the command line needs the engine of batches. */
const isAboutBatches =
  ["submit", "runner", "status", "cancel", role].some((name) => name === command) ||
  (command === "report" && others.some((word) => /^--batch(?:=|$)/.test(word)))

// The part of the code cache. Each command uses other code of the program. A wrong part only makes the start slower.
const part = ((): string => {
  if (!isMainThread && first === undefined) {
    return "flags"
  }
  const isHelp =
    first === undefined || [first, ...others].some((word) => /^(-h|--help|--version|--completions.*)$/.test(word))
  // A line without a command means `get`.
  return isHelp
    ? "help"
    : isAboutBatches
      ? first === role
        ? "shards"
        : "batches"
      : (["flags", "spin", "serve"].find((name) => name === first) ?? "get")
})()

// What each part uses of Node.
const builtins: Readonly<Record<string, ReadonlyArray<string>>> = {
  get: ["crypto", "fs/promises", "os"],
  flags: ["child_process", "crypto", "dns", "fs/promises", "http", "os"]
}

if (isMainThread) {
  process.once("exit", Terminals.closeDescriptors)
}

if (first === "--version" && others.length === 0 && isMainThread) {
  StandardOutput.onError((exitCode) => {
    process.exitCode = exitCode
  })
  process.stdout.write(`${HALYARD_VERSION}\n`)
} else {
  const needsBatches = isAboutBatches && part !== "help"
  const file = needsBatches ? "batches.cjs" : "program.cjs"
  const program: Program = CodeCache.load(fileURLToPath(new URL(file, import.meta.url)), {
    build: needsBatches ? HALYARD_BATCHES_BUILD : HALYARD_BUILD,
    part,
    builtins: builtins[part] ?? [],
    setFlags: SmallHeap.set
  })
  if (needsBatches) {
    SmallHeap.growFreely()
  } else if (isMainThread && part !== "help") {
    SmallHeap.grow()
  }
  program.start(HALYARD_VERSION, new URL(import.meta.url))
}
