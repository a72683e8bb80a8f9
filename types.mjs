// Checks the types and what Effect's language service says about them in one pass, with a copy of tsc that has its diagnostics.
// Its warnings are errors too.
import { execFileSync, spawnSync } from "node:child_process"
import { cpSync, existsSync, readFileSync, renameSync, rmSync } from "node:fs"
import { fileURLToPath } from "node:url"

const packages = fileURLToPath(new URL("node_modules/", import.meta.url))
const versionOf = (name) => JSON.parse(readFileSync(`${packages}${name}/package.json`, "utf8")).version

const compiler = `${packages}.cache/halyard-types/${versionOf("typescript")}-${versionOf("@effect/language-service")}`

if (!existsSync(compiler)) {
  const unfinished = `${compiler}.${process.pid}`
  cpSync(`${packages}typescript`, unfinished, { recursive: true })
  execFileSync(
    process.execPath,
    [`${packages}@effect/language-service/cli.js`, "patch", "--dir", unfinished, "--module", "tsc"],
    { stdio: ["ignore", "ignore", "inherit"] }
  )
  if (!readFileSync(`${unfinished}/lib/_tsc.js`, "utf8").includes("floatingEffect")) {
    throw new Error("the diagnostics of @effect/language-service are not in the copy of tsc")
  }
  // Another check may have made the same copy meanwhile.
  if (existsSync(compiler)) {
    rmSync(unfinished, { recursive: true })
  } else {
    renameSync(unfinished, compiler)
  }
}

const { status } = spawnSync(process.execPath, [`${compiler}/bin/tsc`, ...process.argv.slice(2)], { stdio: "inherit" })
process.exitCode = status ?? 1
