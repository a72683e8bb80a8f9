// Puts the code that V8 compiles for `get` beside dist/program.cjs, for the versions of Node that the package is tested on. The first
// start of `get` then takes as long as the later ones. Other versions compile the program, and keep the code for their user.
import { execFile } from "node:child_process"
import { chmodSync, copyFileSync, mkdtempSync, readdirSync, rmSync } from "node:fs"
import { createServer } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"

const dist = fileURLToPath(new URL("dist/", import.meta.url))

const versions = [20, 24].map((major) =>
  process.version.startsWith(`v${major}.`) ? [process.execPath] : ["npx", "--yes", "-p", `node@${major}`, "node"]
)

const server = createServer((_, response) => response.end("content")).listen(0, "127.0.0.1")
await new Promise((resolve) => server.once("listening", resolve))
const url = `http://127.0.0.1:${server.address().port}/file`

for (const [command, ...parameters] of versions) {
  const directory = mkdtempSync(join(tmpdir(), "halyard-code-"))
  try {
    await promisify(execFile)(command, [...parameters, `${dist}bin.cjs`, "get", url, "-d", join(directory, "files")], {
      env: { PATH: process.env.PATH, HOME: process.env.HOME, XDG_CACHE_HOME: directory }
    })
    for (const name of readdirSync(join(directory, "halyard"))) {
      // Without the tag of V8, which depends on the processor.
      const beside = `${dist}${name.replace(/-[0-9a-f]+\.cache$/, ".cache")}`
      copyFileSync(join(directory, "halyard", name), beside)
      chmodSync(beside, 0o644)
    }
  } catch (error) {
    process.stderr.write(`No code for ${command} ${parameters.join(" ")}: ${error.message.split("\n")[0]}\n`)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
server.close()
