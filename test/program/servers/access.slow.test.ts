/**
 * `halyard get` and the passwords and redirects of nginx, Apache, lighttpd and Caddy: who gets the credentials.
 */
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { get } from "../../support/program/get.js"
import { temporaryDirectory } from "../../support/program/program.js"
import { authority, server as issued } from "../../support/servers/certificates.js"
import { http } from "../../support/servers/loopback.js"
import { withPrograms } from "../../support/servers/programs.js"
import { relay } from "../../support/servers/relay.js"
import { site, user, webServers } from "../../support/servers/webServers.js"

const credentials = `${user.name}:${user.password}`

const authorization = `authorization: basic ${Buffer.from(credentials).toString("base64")}`.toLowerCase()

const isAuthorized = (head: string): boolean => head.toLowerCase().includes(authorization)

/** An origin that records the `Authorization` and `Cookie` of each request. */
const recording = Effect.gen(function* () {
  const seen: Array<unknown> = []
  const { port, url } = yield* http(({ headers, url: path }, response) => {
    seen.push([path, headers.authorization, headers.cookie])
    response.end("elsewhere")
  })
  return { port, seen, url }
})

describe("halyard get, from the servers of Debian", () => {
  for (const { hasTls, name, start } of webServers) {
    withPrograms([name], `${name}: a password opens a file, and stays with its origin after a redirect`, () =>
      Effect.gen(function* () {
        const place = yield* site
        place.write("private/secret.txt", "secret")
        place.write("files/open.txt", "open")
        const other = yield* recording
        const server = yield* start(place, { away: other.url })
        const { takeHeads, url } = yield* relay(server.port)
        const netrc = `machine 127.0.0.1 login ${user.name} password ${user.password}\n`
        const withUser = url.replace("//", `//${encodeURIComponent(user.name)}:${encodeURIComponent(user.password)}@`)
        for (const [origin, parameters] of [
          [url, ["-u", credentials]],
          [url, ["--netrc-file", "netrc"]],
          [withUser, []]
        ] as const) {
          const cwd = yield* temporaryDirectory
          writeFileSync(join(cwd, "netrc"), netrc, { mode: 0o600 })
          const urls = ["private/secret.txt", "moved/open.txt", "away/x.txt"].map((path) => `${origin}/${path}`)
          const { exitCode, read, stderr, stdout } = yield* get([...urls, "-c1", "-b", "a=1", ...parameters], { cwd })
          assert.strictEqual(exitCode, 0, stderr)
          assert.notInclude(stdout + stderr, user.password)
          assert.strictEqual(read("secret.txt"), "secret")
          assert.strictEqual(read("open.txt"), "open")
          assert.strictEqual(read("x.txt"), "elsewhere")
          const heads = takeHeads()
          assert.strictEqual(heads.length, 4)
          assert.isTrue(heads.every(isAuthorized), heads.join("\n"))
          assert.deepStrictEqual(other.seen.splice(0), [["/x.txt", undefined, undefined]])
        }
        for (const parameters of [[], ["-u", "ann:wrong"]]) {
          const refused = yield* get([`${url}/private/secret.txt`, ...parameters])
          assert.strictEqual(refused.exitCode, 1)
          assert.include(refused.stderr, "HTTP error 401")
          assert.deepStrictEqual(refused.files, [])
          assert.strictEqual(takeHeads().length, 1)
        }
      })
    )

    if (hasTls) {
      withPrograms([name], `${name}: a redirect to https: needs the authority, and the password does not follow`, () =>
        Effect.gen(function* () {
          const place = yield* site
          place.write("private/secret.txt", "secret")
          place.write("files/open.txt", "open")
          const secure = yield* start(place, { tls: issued })
          const plain = yield* start(place, { away: secure.url })
          const url = `http://localhost:${plain.port}`
          const trust = (directory: string) => {
            writeFileSync(join(directory, "authority.pem"), authority)
            return ["--cacert", "authority.pem"]
          }
          const untrusted = yield* get([`${url}/away/files/open.txt`])
          assert.strictEqual(untrusted.exitCode, 1)
          assert.include(untrusted.stderr, "the issuer of the certificate is not trusted")

          const cwd = yield* temporaryDirectory
          const urls = ["files/open.txt", "private/secret.txt"].map((path) => `${url}/away/${path}`)
          const followed = yield* get([...urls, "-u", credentials, ...trust(cwd)], { cwd })
          assert.strictEqual(followed.exitCode, 1, followed.stderr)
          assert.strictEqual(followed.read("open.txt"), "open")
          assert.include(followed.stderr, "HTTP error 401")
          assert.deepStrictEqual(
            followed.files.filter((name) => name !== "authority.pem"),
            ["open.txt"]
          )

          const given = yield* get([`${secure.url}/private/secret.txt`, "-u", credentials, ...trust(cwd)], { cwd })
          assert.strictEqual(given.exitCode, 0, given.stderr)
          assert.strictEqual(given.read("secret.txt"), "secret")
        })
      )
    }
  }
})
