import { writeFileSync } from "node:fs"
import { join } from "node:path"
import type { TLSSocket } from "node:tls"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { get } from "../../../support/program/get.js"
import { run, temporaryDirectory } from "../../../support/program/program.js"
import { halyardOnTerminal, itOnTerminal } from "../../../support/program/pseudoTerminal.js"
import { authority, client, encryptedClientKey, server } from "../../../support/servers/certificates.js"
import { secure } from "../../../support/servers/loopback.js"

const hello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

const files = Effect.map(temporaryDirectory, (directory) => {
  const write = (name: string, text: string) => {
    writeFileSync(join(directory, name), text)
    return join(directory, name)
  }
  return {
    authority: write("authority.pem", authority),
    cert: write("client.pem", client.cert),
    key: write("client.key", encryptedClientKey),
    both: write("both.pem", client.cert + client.key),
    empty: write("empty.pem", "")
  }
})

describe("halyard get, with TLS", () => {
  it.scopedLive("trusts --cacert and SSL_CERT_FILE, and anything with --insecure and a warning", () =>
    Effect.gen(function* () {
      const { url } = yield* secure((socket) => void socket.end(hello), server)
      const { authority } = yield* files
      const refused = yield* get([`${url}/a`])
      assert.strictEqual(refused.exitCode, 1)
      assert.match(refused.stderr, /the issuer of the certificate is not trusted/)
      for (const [parameters, env] of [
        [["--cacert", authority], {}],
        [[], { SSL_CERT_FILE: authority }],
        [["--insecure"], {}],
        [["-k"], {}]
      ] as const) {
        const { exitCode, stderr } = yield* get([`${url}/a`, ...parameters], { env })
        assert.strictEqual(exitCode, 0, stderr)
        assert.strictEqual(
          stderr.includes("warning: --insecure"),
          parameters[0] === "-k" || parameters[0] === "--insecure"
        )
      }
    })
  )

  it.scopedLive("gives --cert to the origin of the first URL only, also of a list", () =>
    Effect.gen(function* () {
      const seen: Array<string> = []
      const look = (name: string) => (socket: TLSSocket) => {
        seen.push(`${name} ${socket.authorized}`)
        socket.end(hello)
      }
      const options = { ...server, ca: authority, requestCert: true, rejectUnauthorized: false }
      const first = yield* secure(look("first"), options)
      const second = yield* secure(look("second"), options)
      const paths = yield* files
      const list = `${first.url}/a\n${second.url}/b\n${first.url}/c\n`
      for (const [parameters, env] of [
        [["--cert", paths.both], {}],
        [["--cert", paths.cert, "--key", paths.key, "--pass-env", "PHRASE"], { PHRASE: "opensesame" }]
      ] as const) {
        seen.length = 0
        const cwd = yield* temporaryDirectory
        writeFileSync(join(cwd, "list"), list)
        const { exitCode, stderr } = yield* run(
          ["get", "-i", "list", "-c1", "--cacert", paths.authority, "--durability", "rename", ...parameters],
          { cwd, env }
        )
        assert.strictEqual(exitCode, 0, stderr)
        assert.deepStrictEqual(seen, ["first true", "second false", "first true"])
      }
    })
  )

  it.scopedLive("takes the pass phrase of a key from the environment", () =>
    Effect.gen(function* () {
      const { url } = yield* secure((socket) => void socket.end(hello), server)
      const { authority, cert, key } = yield* files
      const line = [`${url}/a`, "--cacert", authority, "--cert", cert, "--key", key]
      const right = yield* get(line, { env: { HALYARD_PASSPHRASE: "opensesame" } })
      assert.strictEqual(right.exitCode, 0, right.stderr)
      const wrong = yield* get(line, { env: { HALYARD_PASSPHRASE: "secret" } })
      assert.strictEqual(wrong.exitCode, 2)
      assert.match(wrong.stderr, /^halyard get: --key .*: it is not the pass phrase of the key\n$/)
    })
  )

  itOnTerminal(
    "asks for the pass phrase of a key on the terminal, and does not show it",
    Effect.gen(function* () {
      const { url } = yield* secure((socket) => void socket.end(hello), server)
      const { authority, cert, key } = yield* files
      const cwd = yield* temporaryDirectory
      const line = ["get", `${url}/a`, "--cacert", authority, "--cert", cert, "--key", key]
      for (const [typed, code] of [
        ["opensesame", 0],
        ["opensesam", 2]
      ] as const) {
        const terminal = yield* halyardOnTerminal(line, { cwd, columns: 200 })
        yield* terminal.awaitRows(/^Pass phrase of .*client\.key:$/m)
        yield* terminal.type(`${typed}\r`)
        const { exitCode } = yield* terminal.ended
        assert.strictEqual(exitCode, code, terminal.raw())
        assert.notInclude(terminal.raw(), "opensesam")
      }
    })
  )

  it.scopedLive("refuses files that it cannot use, with one sentence, before any request", () =>
    Effect.gen(function* () {
      const { connections, url } = yield* secure((socket) => void socket.end(hello), server)
      const { authority, cert, empty, key } = yield* files
      for (const [parameters, env, sentence] of [
        [["--cacert", "/does/not/exist"], {}, /--cacert \/does\/not\/exist: the file cannot be read \(ENOENT\)/],
        [["--cacert", empty], {}, /--cacert .*empty.pem: it has no certificate in PEM form/],
        [["--key", key], {}, /--key FILE needs --cert FILE/],
        [["--pass-env", "X"], {}, /--pass-env NAME needs --cert FILE/],
        [["--cert", authority], {}, /--cert .*: it has no private key in PEM form; give the key as well/],
        [["--cert", cert, "--key", key], {}, /--key .*: the key is encrypted; --pass-env NAME gives its pass phrase/],
        [["--cert", cert, "--key", key, "--pass-env", "PHRASE"], {}, /there is no environment variable PHRASE/],
        [
          ["--cert", cert, "--key", key, "--pass-env", "PHRASE"],
          { PHRASE: "secret" },
          /--key .*: it is not the pass phrase of the key \(--pass-env PHRASE\)/
        ]
      ] as const) {
        const { exitCode, stderr } = yield* run(["get", `${url}/a`, ...parameters], { env })
        assert.strictEqual(exitCode, 2, stderr)
        assert.match(stderr, sentence)
        assert.notInclude(stderr, "secret")
      }
      assert.strictEqual(connections(), 0)
    })
  )
})
