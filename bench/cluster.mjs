// Downloads the same files by `get`, by three runners, and by `submit --local` with two processes: `node bench/cluster.mjs FILES`. Compares
// their digests, and prints the CPU time of the last two as a multiple of that of `get`. Needs PostgreSQL.
import { execFileSync, spawn } from "node:child_process"
import { createHash } from "node:crypto"
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { makeContent } from "./content.mjs"
import { freePort, startPostgres } from "./postgres.mjs"
import { binary } from "./programs.mjs"
import { startServers } from "./servers.mjs"
import { makeWorkspace } from "./workspace.mjs"

const files = Number(process.argv[2] ?? 20_000)
const shardSize = 1000
const runners = 3

const workspace = makeWorkspace(files * 8192 * 2)
const servers = await startServers(workspace)
const given = makeContent(workspace.directory("content")).small(files)
const { database } = await startPostgres()

const list = join(workspace.directory("list"), "list.txt")
writeFileSync(list, given.map(({ path }) => `${servers.nginx}${path}\n`).join(""))

/** Starts the program under GNU time. `ended` has its CPU time in seconds. */
const start = (parameters, env = {}) => {
  const child = spawn("/usr/bin/time", ["-f", "%U %S", process.execPath, binary, ...parameters], {
    env: { ...process.env, HALYARD_DATABASE: database, ...env },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true
  })
  const output = { stdout: "", stderr: "" }
  child.stdout.on("data", (text) => {
    output.stdout += text
  })
  child.stderr.on("data", (text) => {
    output.stderr += text
  })
  const ended = new Promise((resolve) => {
    child.once("close", () => {
      const [user, system] = output.stderr.trim().split("\n").at(-1).split(" ").map(Number)
      resolve({ seconds: user + system, ...output })
    })
  })
  return { child, ended, output }
}

const digestOf = (directory) => {
  const all = createHash("sha256")
  for (const name of readdirSync(directory).sort()) {
    if (!name.startsWith(".")) {
      all.update(name).update(
        createHash("sha256")
          .update(readFileSync(join(directory, name)))
          .digest()
      )
    }
  }
  return all.digest("hex")
}

const timed = async (name, run) => {
  const directory = workspace.directory(name)
  const at = performance.now()
  const seconds = await run(directory)
  const result = { seconds, wall: (performance.now() - at) / 1000, digest: digestOf(directory) }
  rmSync(directory, { recursive: true })
  return result
}

const single = await timed(
  "get",
  async (directory) => (await start(["get", "-i", list, "-d", directory, "-c", "32", "-q"]).ended).seconds
)

const fleet = await timed("runners", async (directory) => {
  const begun = []
  for (let index = 0; index < runners; index++) {
    begun.push(start(["runner", "--port", String(await freePort())]))
  }
  const { stdout, stderr } = await start([
    "submit",
    "-i",
    list,
    "-d",
    directory,
    "--id",
    "bench",
    "--shard-size",
    String(shardSize)
  ]).ended
  if (stdout.trim() !== "bench") {
    throw new Error(stderr)
  }
  for (let state = ""; state !== "ended"; await sleep(1000)) {
    state = JSON.parse((await start(["status", "bench", "--json"]).ended).stdout).state
  }
  for (const { child } of begun) {
    // GNU time ends without its figures if it gets the signal too.
    process.kill(Number(execFileSync("pgrep", ["-P", String(child.pid)])), "SIGTERM")
  }
  const all = await Promise.all(begun.map(({ ended }) => ended))
  return all.reduce((sum, { seconds }) => sum + seconds, 0)
})

const local = await timed(
  "local",
  async (directory) =>
    (await start(["submit", "--local", "--processes", "2", "-i", list, "-d", directory, "-c", "16"]).ended).seconds
)

for (const [name, result] of Object.entries({
  get: single,
  [`${runners} runners`]: fleet,
  "submit --local --processes 2": local
})) {
  const same = result.digest === single.digest ? "the same files" : "OTHER FILES"
  console.log(
    `${name}: ${result.seconds.toFixed(1)} s of CPU (${(result.seconds / single.seconds).toFixed(2)} × get), ${result.wall.toFixed(1)} s, ${same}`
  )
}
await servers.stop()
workspace.remove()
process.exit(0)
