// HTTP/2 beside HTTP/1.1, by the clients of Node, over TLS and a relay that delays each direction by half of the latency.
// node bench/http2.mjs [ROUNDS] [LATENCY MILLIS]
import { fork } from "node:child_process"
import { readFileSync } from "node:fs"
import { connect as connectHttp2, createSecureServer } from "node:http2"
import { Agent, get } from "node:https"
import { connect, createServer } from "node:net"
import { fileURLToPath } from "node:url"
import { spread } from "./statistics.mjs"

const smallFiles = 400
const smallBytes = 10_000
const largeBytes = 32 * 1024 * 1024
const mediumBytes = 2 * 1024 * 1024
const window = 16 * 1024 * 1024

const [pem, ...certificates] = ["key", "certificate"].map((name) => {
  const source = readFileSync(new URL("../test/support/servers/certificate.ts", import.meta.url), "utf8")
  return new RegExp(`export const ${name} = \`([^\`]*)\``).exec(source)?.[1] ?? ""
})
const [certificate] = certificates

const listen = (server) => new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server.address().port)))

const roles = {
  origin: async () => {
    const bodies = {
      "/large": Buffer.alloc(largeBytes, 1),
      "/medium": Buffer.alloc(mediumBytes, 1),
      "/small": Buffer.alloc(smallBytes, 1)
    }
    const settings = { initialWindowSize: window, maxConcurrentStreams: 1000 }
    const server = createSecureServer({ key: pem, cert: certificate, allowHTTP1: true, settings })
    server.on("request", ({ url }, response) => {
      const body = bodies[url]
      response.writeHead(200, { "content-length": body.length })
      response.end(body)
    })
    process.send(await listen(server))
  },
  relay: async ([port, halfMillis]) => {
    const pipe = (from, to) => {
      let waitingBytes = 0
      from.on("data", (chunk) => {
        waitingBytes += chunk.length
        if (waitingBytes > 4 * window) {
          from.pause()
        }
        // The latency of the network, in real time.
        setTimeout(() => {
          waitingBytes -= chunk.length
          to.write(chunk)
          from.resume()
        }, halfMillis)
      })
      // The end arrives as late as the bytes before it, in real time as well.
      from.on("close", () => setTimeout(() => to.destroy(), halfMillis))
      from.on("error", () => undefined)
    }
    const server = createServer({ noDelay: true }, (client) => {
      // The connection itself takes one latency, as a real one does.
      const origin = connect({ port, host: "127.0.0.1", noDelay: true })
      pipe(client, origin)
      pipe(origin, client)
    })
    process.send(await listen(server))
  }
}

const start = (role, ...parameters) =>
  new Promise((resolve) => {
    const child = fork(fileURLToPath(import.meta.url), [role, ...parameters])
    child.once("message", (port) => resolve({ child, port }))
  })

/** Calls `fetch` so many times, so many at a time. */
const many = async (files, atATime, fetch) => {
  let next = 0
  const worker = async (index) => {
    while (next++ < files) {
      await fetch(index)
    }
  }
  await Promise.all(Array.from({ length: Math.min(files, atATime) }, (_, index) => worker(index)))
}

const count = (stream, bytes, resolve, reject) => {
  let received = 0
  stream.on("data", ({ length }) => (received += length))
  stream.on("end", () => (received === bytes ? resolve() : reject(new Error(`${received} of ${bytes} bytes`))))
  stream.on("error", reject)
}

const http1 = (connections) => async (port, path, bytes, files) => {
  const agent = new Agent({ keepAlive: true, maxSockets: connections, ca: certificate })
  const fetch = () =>
    new Promise((resolve, reject) => {
      get({ host: "localhost", port, path, agent }, (response) => count(response, bytes, resolve, reject)).on(
        "error",
        reject
      )
    })
  await many(files, connections, fetch)
  agent.destroy()
}

const http2 =
  (connections, atATime, windowBytes = window) =>
  async (port, path, bytes, files) => {
    const sessions = await Promise.all(
      Array.from(
        { length: connections },
        () =>
          new Promise((resolve, reject) => {
            const session = connectHttp2(`https://localhost:${port}`, {
              ca: certificate,
              settings: { initialWindowSize: windowBytes, enablePush: false }
            })
            session.on("error", reject)
            session.on("connect", () => {
              session.setLocalWindowSize(windowBytes)
              resolve(session)
            })
          })
      )
    )
    const fetch = (index) =>
      new Promise((resolve, reject) => {
        count(sessions[index % connections].request({ ":path": path }), bytes, resolve, reject)
      })
    await many(files, atATime, fetch)
    for (const session of sessions) {
      session.destroy()
    }
  }

const small = ["/small", smallBytes, smallFiles]
const longer = ["/small", smallBytes, 5 * smallFiles]
const large = ["/large", largeBytes, 1]
const medium = ["/medium", mediumBytes, 1]

const contests = [
  ["400 files of 10 kB, 8 connections each", small, http1(8), http2(8, 8)],
  ["400 files, 8 at a time: HTTP/2 on one connection", small, http1(8), http2(1, 8)],
  ["400 files, 64 at a time: HTTP/2 on one connection", small, http1(64), http2(1, 64)],
  ["400 files, HTTP/1.1 on 8 connections, HTTP/2 on one with 64 at a time", small, http1(8), http2(1, 64)],
  ["32 MiB, one connection each", large, http1(1), http2(1, 1)],
  ["2,000 files, 64 at a time: HTTP/2 on one connection", longer, http1(64), http2(1, 64)],
  ["2 MiB, one connection each, HTTP/2 with its default window", medium, http1(1), http2(1, 1, 65_535)]
]

const main = async ([rounds = "7", latencyMillis = "50"]) => {
  const origin = await start("origin")
  const relay = await start("relay", `${origin.port}`, `${Number(latencyMillis) / 2}`)
  const time = async (run, work) => {
    const began = performance.now()
    await run(relay.port, ...work)
    return performance.now() - began
  }
  console.log(`| work | HTTP/2 rate × (median, least to greatest) |\n| --- | --- |`)
  for (const [what, work, one, two] of contests) {
    const ratios = []
    for (let round = 0; round < Number(rounds); round++) {
      // Each goes first in every second round.
      const [first, second] = round % 2 === 0 ? [one, two] : [two, one]
      const [before, after] = [await time(first, work), await time(second, work)]
      ratios.push(round % 2 === 0 ? before / after : after / before)
    }
    const { max, median, min } = spread(ratios)
    console.log(`| ${what} | ${median.toFixed(2)} (${min.toFixed(2)} to ${max.toFixed(2)}) |`)
  }
  origin.child.kill()
  relay.child.kill()
}

const [role, ...parameters] = process.argv.slice(2)
await (roles[role]?.(parameters.map(Number)) ?? main(process.argv.slice(2)))
