/**
 * Which requests have the secrets of a command line: each secret, after each kind of redirect, to each mirror and URL of a list, directly
 * and through a proxy. Nothing that is given for one origin is sent to another.
 */
import { writeFileSync } from "node:fs"
import { createServer, type IncomingMessage, type ServerResponse, request as send } from "node:http"
import { createServer as createSecureServer } from "node:https"
import { connect } from "node:net"
import { join } from "node:path"
import { TLSSocket } from "node:tls"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { run, temporaryDirectory } from "../../../support/program/program.js"
import { authority, client, server as issued } from "../../../support/servers/certificates.js"
import { listening } from "../../../support/servers/loopback.js"

interface Seen {
  /** The origin and the path of the request. */
  readonly url: string
  readonly origin: string
  readonly host: string
  readonly path: string
  readonly isSecure: boolean
  readonly head: string
}

/** Origins on two plain and two secure ports, under every host name, and a proxy to them. */
const world = Effect.gen(function* () {
  const seen: Array<Seen> = []
  const proxied: Array<string> = []
  const answer = (isSecure: boolean) => (request: IncomingMessage, response: ServerResponse) => {
    const [path = "", query = ""] = (request.url ?? "").split("?")
    const { host = "" } = request.headers
    const origin = `http${isSecure ? "s" : ""}://${host}`
    const certificate =
      request.socket instanceof TLSSocket ? request.socket.getPeerCertificate().fingerprint256 : undefined
    const head = `${request.rawHeaders.join("\n")}\n${certificate === undefined ? "" : "certificate"}`
    seen.push({ url: origin + path, origin, host: host.replace(/:.*/, ""), path, isSecure, head })
    if (path === "/direct") {
      response.setHeader("set-cookie", "set=set-by-server")
    }
    if (path === "/missing") {
      response.writeHead(404).end()
    } else if (query !== "") {
      response.writeHead(302, { location: decodeURIComponent(query) }).end()
    } else {
      response.end("content")
    }
  }
  const plain = () => listening(createServer(answer(false)))
  const secure = () =>
    listening(
      createSecureServer({ ...issued, ca: authority, requestCert: true, rejectUnauthorized: false }, answer(true))
    )
  const ports = {
    plain: [(yield* plain()).port, (yield* plain()).port],
    secure: [(yield* secure()).port, (yield* secure()).port]
  } as const
  const proxy = createServer((request, response) => {
    proxied.push(`${request.method} ${request.url}\n${request.rawHeaders.join("\n")}`)
    const { port, pathname, search } = new URL(request.url ?? "")
    const { "proxy-authorization": _, ...headers } = request.headers
    const onward = send({ host: "127.0.0.1", port, path: pathname + search, headers }, (answered) => {
      response.writeHead(answered.statusCode ?? 0, answered.headers)
      answered.pipe(response)
    })
    onward.end()
  })
  proxy.on("connect", (request, socket) => {
    proxied.push(`CONNECT ${request.url}\n${request.rawHeaders.join("\n")}`)
    const onward = connect(Number(request.url?.split(":")[1]), "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n")
      socket.pipe(onward).pipe(socket)
    })
    for (const each of [socket, onward]) {
      each.on("error", () => each.destroy())
    }
  })
  const { port } = yield* listening(proxy)
  return { seen, proxied, ports, proxyPort: port }
})

/** A secret, how it is given for the first origin, and to which requests it belongs. */
interface Secret {
  readonly text: string
  readonly belongs: (request: Seen, first: string) => boolean
}

// What the first origin is asked for before any redirect has led elsewhere.
const own: ReadonlySet<string> = new Set(["/direct", "/to", "/same", "/missing", "/second"])

// The URLs of the list, and further URLs of their origin. Not those of redirects, and not those of other origins for the same file.
const given: ReadonlySet<string> = new Set(["/direct", "/to", "/missing", "/listed", "/via", "/second"])

const ofFirst = (text: string): Secret => ({
  text,
  belongs: ({ origin, path }, first) => origin === first && own.has(path)
})

const base64 = (text: string): string => Buffer.from(text).toString("base64")

const header = {
  parameters: ["-H", "Authorization: Bearer token1", "-H", "X-Key: key1", "-H", "Cookie: c=cookie1", "-b", "d=cookie2"],
  secrets: ["token1", "key1", "cookie1", "cookie2"].map(ofFirst)
}

const certificate = {
  parameters: ["--cert", "client.pem"],
  secrets: [
    { text: "certificate", belongs: ({ isSecure, origin }: Seen, first: string) => isSecure && origin === first }
  ]
}

const user = {
  parameters: ["-u", "ann:pass:1"],
  secrets: [ofFirst(base64("ann:pass:1"))]
}

const cookies = {
  parameters: ["-b", "cookies", "--cookie-jar", "jar"],
  secrets: [
    { text: "of-host", belongs: ({ host }: Seen) => host === "a.test" },
    { text: "of-tls", belongs: ({ host, isSecure }: Seen) => host === "a.test" && isSecure },
    { text: "of-domain", belongs: ({ host }: Seen) => host === "a.test" || host === "sub.a.test" },
    { text: "set-by-server", belongs: ({ host, path }: Seen) => host === "a.test" && path !== "/direct" }
  ]
}

// The first origin gets that of `--user`.
const netrc = {
  parameters: ["--netrc-file", "netrc"],
  secrets: [
    {
      text: base64("ann:pass2"),
      belongs: ({ host, origin, path }: Seen, first: string) => host === "a.test" && origin !== first && given.has(path)
    }
  ]
}

const userinfo = {
  parameters: [],
  secrets: [
    {
      text: base64("ann:p@ss3"),
      // The other URL of the item has no user.
      belongs: ({ origin, path }: Seen, first: string) => origin === first && own.has(path) && path !== "/second"
    }
  ]
}

const cases = [
  { title: "--header, --cookie and --cert", kinds: [header, certificate] },
  { title: "--user, --netrc and a cookie jar", kinds: [user, netrc, cookies] },
  { title: "the user of the URL and --netrc", kinds: [userinfo, netrc], userinfo: "ann:p%40ss3@" }
]

const tab = "\u0009"

describe("halyard get sends the secrets of one origin to no other", () => {
  for (const { kinds, title, userinfo = "" } of cases) {
    for (const scheme of ["http", "https"] as const) {
      for (const isProxied of [false, true]) {
        it.scopedLive(`${title}, from ${scheme}:${isProxied ? ", through a proxy" : ""}`, () =>
          Effect.gen(function* () {
            const { ports, proxied, proxyPort, seen } = yield* world
            const [ownPort, otherPort] = scheme === "http" ? ports.plain : ports.secure
            const first = `${scheme}://a.test:${ownPort}`
            const others = [
              `${scheme}://a.test:${otherPort}`,
              `${scheme}://b.test:${ownPort}`,
              `${scheme}://sub.a.test:${ownPort}`,
              scheme === "http" ? `https://a.test:${ports.secure[0]}` : `http://a.test:${ports.plain[0]}`
            ]
            const withUser = first.replace("//", `//${userinfo}`)
            const to = (from: string, target: string) => `${from}?${encodeURIComponent(target)}`
            const list = [
              `${withUser}/direct`,
              to(`${withUser}/to`, `${first}/same`),
              `${withUser}/missing${tab}${first}/second`,
              ...others.flatMap((other) => [
                to(`${withUser}/to`, `${other}/redirected`),
                to(`${withUser}/to`, to(`${other}/onward`, `${first}/back`)),
                to(`${other}/via`, `${first}/returned`),
                `${withUser}/missing${tab}${other}/mirrored`,
                `${other}/listed`
              ])
            ]
            const cwd = yield* temporaryDirectory
            const write = (name: string, text: string) => writeFileSync(join(cwd, name), text, { mode: 0o600 })
            write("list", list.join("\n"))
            write("client.pem", client.cert + client.key)
            write("netrc", "machine a.test login ann password pass2\n")
            write(
              "cookies",
              [
                "a.test\tFALSE\t/\tFALSE\t0\tone\tof-host",
                "a.test\tFALSE\t/\tTRUE\t0\ttwo\tof-tls",
                ".a.test\tTRUE\t/\tFALSE\t0\tthree\tof-domain"
              ].join("\n")
            )
            const resolved = [...ports.plain, ...ports.secure].flatMap((port) => ["--resolve", `*:${port}:127.0.0.1`])
            const ended = yield* run(
              [
                ...["get", "-i", "list", "-c1", "-d", "out", "--no-state", "--retries", "0", "--durability", "rename"],
                ...["-k", "--json", ...(isProxied ? [] : resolved), ...kinds.flatMap(({ parameters }) => parameters)]
              ],
              { cwd, env: isProxied ? { all_proxy: `http://pat:secret4@127.0.0.1:${proxyPort}` } : {} }
            )
            const requested = seen.map(({ url }) => url)
            for (const { secrets } of kinds) {
              for (const { belongs, text } of secrets) {
                const expected = seen.filter((request) => belongs(request, first)).map(({ url }) => url)
                const actual = seen.filter(({ head }) => head.includes(text)).map(({ url }) => url)
                assert.deepStrictEqual(actual, expected, `${text}\n${ended.stderr}`)
                assert.notInclude(ended.stdout + ended.stderr, text === "certificate" ? "PRIVATE" : text)
                for (const head of proxied) {
                  assert.isFalse(head.startsWith("CONNECT ") && head.includes(text), head)
                }
              }
            }
            // Every way was gone, except from https: to http:.
            for (const other of others) {
              const isRefused = scheme === "https" && other.startsWith("http:")
              for (const path of ["/via", "/mirrored", "/listed", ...(isRefused ? [] : ["/redirected", "/onward"])]) {
                assert.include(requested, other + path)
              }
              assert.strictEqual(requested.includes(`${other}/redirected`), !isRefused)
            }
            assert.includeMembers(
              requested,
              ["/direct", "/same", "/back", "/returned"].map((path) => first + path)
            )
            for (const { head } of seen) {
              assert.notInclude(head.toLowerCase(), "proxy-authorization")
            }
            for (const head of proxied) {
              assert.include(head, base64("pat:secret4"))
            }
            assert.strictEqual(proxied.length > 0, isProxied)
          })
        )
      }
    }
  }
})
