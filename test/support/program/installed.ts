/**
 * The program's two files in a directory of their own, as after an installation.
 */
import { copyFileSync, existsSync, readdirSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import * as Effect from "effect/Effect"
import { bin, runCommand, temporaryDirectory } from "./program.js"

const dist = dirname(bin)

/** A directory with these files of the program. */
export const installed = (files: ReadonlyArray<string> = ["bin.cjs", "program.cjs"]) =>
  Effect.map(temporaryDirectory, (directory) => {
    writeFileSync(join(directory, "package.json"), `{ "type": "module" }`)
    for (const file of files) {
      copyFileSync(join(dist, file), join(directory, file))
    }
    return directory
  })

/** The directory in which the program of a directory keeps compiled code. */
export const cacheOf = (directory: string): string => join(directory, "caches", "halyard")

/** Runs the program of a directory. */
export const start = (
  directory: string,
  parameters: ReadonlyArray<string>,
  env: Readonly<Record<string, string>> = {}
) =>
  Effect.map(
    runCommand(process.execPath, [join(directory, "bin.cjs"), ...parameters], {
      env: { XDG_CACHE_HOME: dirname(cacheOf(directory)), ...env }
    }),
    ({ exitCode, stderr, stdout }) => ({ exitCode, stderr, stdout })
  )

/** The files of the code cache, also unfinished ones. */
export const kept = (directory: string): ReadonlyArray<string> =>
  existsSync(cacheOf(directory)) ? readdirSync(cacheOf(directory)).filter((name) => name.includes(".cache")) : []
