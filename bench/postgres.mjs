// A PostgreSQL server of Debian with its usual settings, in a temporary directory and on a free port. It ends with this process.
import { execFileSync, spawn } from "node:child_process"
import { chownSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"

export const freePort = () =>
  new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })

const packages = "/usr/lib/postgresql"

// PostgreSQL refuses root.
const owner = () => {
  const line = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .find((one) => one.startsWith("postgres:"))
  const [, , uid, gid] = line.split(":")
  return { uid: Number(uid), gid: Number(gid) }
}

export const startPostgres = async () => {
  const [version] = readdirSync(packages).sort((a, b) => b - a)
  const program = (name) => join(packages, version, "bin", name)
  const directory = mkdtempSync(join(tmpdir(), "halyard-postgres-"))
  process.once("exit", () => rmSync(directory, { recursive: true, force: true }))
  const data = join(directory, "data")
  mkdirSync(data, { mode: 0o700 })
  const user = process.getuid() === 0 ? owner() : {}
  if (user.uid !== undefined) {
    chownSync(directory, user.uid, user.gid)
    chownSync(data, user.uid, user.gid)
  }
  const options = { ...user, cwd: directory, stdio: ["ignore", "ignore", "pipe"] }
  execFileSync(program("initdb"), ["-D", data, "-U", "halyard", "-A", "trust", "-E", "UTF8", "--no-locale"], options)
  const port = await freePort()
  const settings = [`port=${port}`, "listen_addresses=127.0.0.1", `unix_socket_directories=${directory}`]
  const server = spawn(program("postgres"), ["-D", data, ...settings.flatMap((setting) => ["-c", setting])], options)
  process.once("exit", () => server.kill("SIGQUIT"))
  await new Promise((resolve, reject) => {
    server.stderr.on("data", (text) => `${text}`.includes("ready to accept connections") && resolve())
    server.once("exit", () => reject(new Error("PostgreSQL has ended")))
  })
  const query = (text) =>
    execFileSync("psql", ["-h", "127.0.0.1", "-p", port, "-U", "halyard", "-d", "postgres", "-Atc", text], {
      encoding: "utf8"
    }).trim()
  return { database: `postgres://halyard@127.0.0.1:${port}/postgres`, query, pid: server.pid }
}
