/**
 * Where the flags that come with this package are, as `{cc}.gif`.
 */
import { createRequire } from "node:module"
import { dirname, join } from "node:path"

export const flagsDirectory = (): string =>
  join(dirname(createRequire(import.meta.url).resolve("famfamfam-flags/package.json")), "dist", "gif")
