/**
 * Returns the directory of the flags of this package. Its files are `{cc}.gif`.
 */
import { createRequire } from "node:module"
import { dirname, join } from "node:path"

export const flagsDirectory = (): string =>
  join(dirname(createRequire(import.meta.url).resolve("famfamfam-flags/package.json")), "dist", "gif")
