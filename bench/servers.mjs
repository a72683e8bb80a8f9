// The servers of a run, on free ports of the loopback interface: nginx, and an origin that takes 50 ms for each answer. Both are
// there with TLS as well if openssl can make a certificate.
import { execFileSync, spawn } from "node:child_process"
import { writeFileSync } from "node:fs"
import { connect, createServer } from "node:net"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { flagsDirectory } from "./content.mjs"

/** What B4's location gives one connection, in bytes a second. */
export const slowBytesPerSecond = 8 * 1024 * 1024

/** How long the latency origin takes for an answer. */
export const latencyMillis = 50

// Debian keeps it where the PATH of a user does not lead.
const environment = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` }

export const hasNginx = () => {
  try {
    execFileSync("nginx", ["-v"], { env: environment, stdio: "ignore" })
    return true
  } catch {
    return false
  }
}

const freePort = () =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.on("error", reject)
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })

const answers = (port) =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy()
      resolve(true)
    })
    socket.on("error", () => resolve(false))
  })

const untilItAnswers = async (name, port, child) => {
  for (let attempt = 0; attempt < 200; attempt++) {
    if (child.exitCode !== null || child.signalCode !== null) {
      break
    }
    if (await answers(port)) {
      return
    }
    await sleep(25)
  }
  throw new Error(`${name} does not answer on port ${port}`)
}

// If root starts nginx, its workers run as another user, who may not read a temporary directory.
const configuration = (directory, content, port, secure) => `
${process.getuid?.() === 0 ? "user root;" : ""}
worker_processes 1;
worker_rlimit_nofile 16384;
daemon off;
pid ${join(directory, "pid")};
error_log ${join(directory, "error.log")};
events { worker_connections 8192; }
http {
  access_log off;
  sendfile on;
  keepalive_requests 1000000000;
  keepalive_timeout 1h;
  default_type application/octet-stream;
  ${["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${join(directory, name)};`).join("\n  ")}
  server {
    listen 127.0.0.1:${port} backlog=4096;
    ${secure === undefined ? "" : `listen 127.0.0.1:${secure.port} ssl backlog=4096; ssl_certificate ${secure.certificate}; ssl_certificate_key ${secure.key};`}
    root ${content};
    location ~ ^/small/\\d*(\\d\\d\\d\\d)\\.bin$ { alias ${content}/small/$1.bin; }
    location ~ ^/tiny/\\d*(\\d\\d)\\.bin$ { alias ${content}/tiny/$1.bin; }
    location /slow/ { alias ${content}/large/; limit_rate ${slowBytesPerSecond}; }
    location /flags/ { alias ${flagsDirectory()}/; }
  }
}
`

// The shell ends nginx when the benchmarks close its input, which the system does for them however they end.
const startNginx = async (directory, content, identity) => {
  const port = await freePort()
  const secure = identity === undefined ? undefined : { ...identity, port: await freePort() }
  const file = join(directory, "nginx.conf")
  writeFileSync(file, configuration(directory, content, port, secure))
  const child = spawn(
    "sh",
    ["-c", 'nginx -e "$2" -c "$1" & nginx=$!; read -r _; kill $nginx; wait', "sh", file, join(directory, "error.log")],
    {
      stdio: ["pipe", "ignore", "inherit"],
      detached: true,
      env: environment
    }
  )
  await untilItAnswers("nginx", port, child)
  return { child, url: `http://127.0.0.1:${port}`, ...(secure && { secureUrl: `https://127.0.0.1:${secure.port}` }) }
}

const startLatencyOrigin = async (content, identity) => {
  const port = await freePort()
  const program = fileURLToPath(new URL("latencyOrigin.mjs", import.meta.url))
  const secure = identity === undefined ? [] : [identity.certificate, identity.key]
  const child = spawn(process.execPath, [program, String(port), content, String(latencyMillis), ...secure], {
    stdio: ["pipe", "ignore", "inherit"],
    detached: true
  })
  await untilItAnswers("the latency origin", port, child)
  return { child, url: `${identity === undefined ? "http" : "https"}://127.0.0.1:${port}` }
}

// A certificate that signs itself, for the address of the servers. The programs trust it by an option.
const makeIdentity = (directory) => {
  const [certificate, key] = ["certificate.pem", "key.pem"].map((name) => join(directory, name))
  const request = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=127.0.0.1".split(
    " "
  )
  try {
    execFileSync(
      "openssl",
      [...request, "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
      { stdio: "ignore" }
    )
    return { certificate, key }
  } catch {
    return undefined
  }
}

const ended = (child) =>
  new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) {
      resolve()
    } else {
      child.once("exit", resolve)
      child.stdin.end()
    }
  })

export const startServers = async (workspace) => {
  const content = workspace.directory("content")
  const running = []
  const stop = () => Promise.all(running.map(({ child }) => ended(child)))
  try {
    const identity = makeIdentity(workspace.directory("identity"))
    const nginx = await startNginx(workspace.directory("nginx"), content, identity)
    running.push(nginx)
    const latency = await startLatencyOrigin(content)
    running.push(latency)
    const secureLatency = identity && (await startLatencyOrigin(content, identity))
    running.push(...(secureLatency === undefined ? [] : [secureLatency]))
    return {
      nginx: nginx.url,
      latency: latency.url,
      secure: identity && {
        certificate: identity.certificate,
        nginx: nginx.secureUrl,
        latency: secureLatency.url
      },
      stop
    }
  } catch (error) {
    await stop()
    throw error
  }
}
