// An origin that waits before each answer, as one far away does. Ends when its standard input does.
// node latencyOrigin.mjs PORT CONTENT MILLIS [CERTIFICATE KEY], with TLS if there is a certificate
import { readFileSync } from "node:fs"
import { createServer } from "node:http"
import { createServer as createSecureServer } from "node:https"
import { join } from "node:path"

const [port, content, millis, certificate, key] = process.argv.slice(2)
const bodies = new Map()

const body = (url) => {
  const name = /^\/small\/\d*(\d{4}\.bin)$/.exec(url)?.[1]
  if (name === undefined) {
    return undefined
  }
  if (!bodies.has(name)) {
    bodies.set(name, readFileSync(join(content, "small", name)))
  }
  return bodies.get(name)
}

const answer = (request, response) => {
  // The latency itself, in real time, because the clients are other processes.
  setTimeout(() => {
    const found = body(request.url ?? "")
    response.writeHead(found === undefined ? 404 : 200, {
      "content-length": found?.length ?? 0,
      "accept-ranges": "none"
    })
    response.end(request.method === "HEAD" ? undefined : found)
  }, Number(millis))
}

const server =
  certificate === undefined
    ? createServer(answer)
    : createSecureServer({ cert: readFileSync(certificate), key: readFileSync(key) }, answer)
server.keepAliveTimeout = 3_600_000
server.maxRequestsPerSocket = 0
server.listen({ port: Number(port), host: "127.0.0.1", backlog: 4096 })

process.stdin.on("end", () => process.exit())
process.stdin.resume()
