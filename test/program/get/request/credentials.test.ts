/**
 * `--user` and `--netrc` of `halyard get`: how they are read, and which origins get them.
 */
import { chmodSync, writeFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { bin, run, temporaryDirectory } from "../../../support/program/program.js"
import { ctrlC, halyardOnTerminal, itOnTerminal, startOnTerminal } from "../../../support/program/pseudoTerminal.js"
import { http } from "../../../support/servers/loopback.js"

/** An origin that records the credentials of each request, and redirects `/to?URL` there. */
const recording = Effect.gen(function* () {
  const seen: Array<string> = []
  const { port, url } = yield* http((request, response) => {
    const path = request.url ?? ""
    const [, encoded] = /^Basic (.*)$/.exec(request.headers.authorization ?? "") ?? []
    const credentials = encoded === undefined ? "none" : Buffer.from(encoded, "base64").toString()
    seen.push(`${request.headers.host?.replace(/:.*/, "")}${path.replace(/\?.*/, "")} ${credentials}`)
    if (path.startsWith("/to?")) {
      response.writeHead(302, { location: decodeURIComponent(path.slice(4)) }).end()
    } else {
      response.end("content")
    }
  })
  return { port, seen, url }
})

describe("halyard get --user", () => {
  it.scopedLive("sends the credentials to the origin of the first URL only, also after redirects", () =>
    Effect.gen(function* () {
      const [first, other] = [yield* recording, yield* recording]
      const cwd = yield* temporaryDirectory
      const to = (target: string) => `${first.url}/to?${encodeURIComponent(target)}`
      const { exitCode, stderr, stdout } = yield* run(
        [
          "get",
          `${first.url}/a`,
          to(`${first.url}/b`),
          // Another port, another host, and from there back again.
          to(`${other.url}/c`),
          to(`http://localhost:${first.port}/d`),
          to(`http://localhost:${first.port}/to?${encodeURIComponent(`${first.url}/e`)}`),
          `${other.url}/f`,
          ...["-u", "me:s3:cret", "-c1", "--json"]
        ],
        { cwd }
      )
      assert.strictEqual(exitCode, 0, stderr)
      assert.notInclude(stdout + stderr, "s3:cret")
      assert.deepStrictEqual(first.seen, [
        "127.0.0.1/a me:s3:cret",
        "127.0.0.1/to me:s3:cret",
        "127.0.0.1/b me:s3:cret",
        "127.0.0.1/to me:s3:cret",
        "127.0.0.1/to me:s3:cret",
        "localhost/d none",
        "127.0.0.1/to me:s3:cret",
        "localhost/to none",
        "127.0.0.1/e none"
      ])
      assert.deepStrictEqual(other.seen, ["127.0.0.1/c none", "127.0.0.1/f none"])
      assert.include(stderr, `the credentials are for ${first.url}: not sent to 1 URL of other origins\n`)
    })
  )

  it.scopedLive("takes the password from the environment, and none is an error without a terminal", () =>
    Effect.gen(function* () {
      const { seen, url } = yield* recording
      const cwd = yield* temporaryDirectory
      yield* run(["get", `${url}/a`, "-u", "me"], { cwd, env: { HALYARD_PASSWORD: "s3cret" } })
      assert.deepStrictEqual(seen, ["127.0.0.1/a me:s3cret"])
    })
  )

  itOnTerminal(
    "asks for the password on the terminal, and does not show it",
    Effect.gen(function* () {
      const { seen, url } = yield* recording
      const cwd = yield* temporaryDirectory
      const terminal = yield* halyardOnTerminal(["get", `${url}/a`, "--user", "me"], { cwd })
      yield* terminal.awaitRows(/^Password for me:$/m)
      yield* terminal.type("wrong\u0015pä\u001b[As3\u007fs3cret\r")
      const { exitCode } = yield* terminal.ended
      assert.strictEqual(exitCode, 0, terminal.raw())
      assert.deepStrictEqual(seen, ["127.0.0.1/a me:pä[As3cret".replace("s3cret", "ss3cret")])
      assert.notInclude(terminal.raw(), "cret")
    })
  )

  itOnTerminal(
    "restores the terminal after Ctrl-C at the prompt, and asks although standard input is the list",
    Effect.gen(function* () {
      const { seen, url } = yield* recording
      const cwd = yield* temporaryDirectory
      writeFileSync(`${cwd}/list`, `${url}/a\n`)
      const script = `"$0" "$1" get -i - -u me < list; echo "exit code $?"; stty -a | grep -c -- ' echo .* icanon\\| icanon .* echo '`
      const terminal = yield* startOnTerminal("bash", ["-c", script, process.execPath, bin], { cwd })
      yield* terminal.awaitRows(/^Password for me:$/m)
      yield* terminal.type(`s3cret${ctrlC}`)
      yield* terminal.ended
      assert.match(terminal.rows().join("\n"), /exit code 130\n1$/)
      assert.notInclude(terminal.raw(), "s3cret")
      assert.deepStrictEqual(seen, [])
    })
  )
})

describe("halyard get --netrc", () => {
  it.scopedLive("sends the credentials of each host to it, and never after a redirect to another origin", () =>
    Effect.gen(function* () {
      const [first, other] = [yield* recording, yield* recording]
      const cwd = yield* temporaryDirectory
      const local = `http://localhost:${other.port}`
      writeFileSync(
        `${cwd}/.netrc`,
        "machine 127.0.0.1 login ip password s3cret\nmachine localhost login l password s3cret"
      )
      const urls = [
        `${first.url}/a`,
        `${local}/b`,
        `${first.url}/to?${encodeURIComponent(`${local}/c`)}`,
        `${first.url}/to?${encodeURIComponent(`${other.url}/d`)}`,
        first.url.replace("//", "//own:word@"),
        `${other.url}/e`
      ]
      const home = { cwd, env: { HOME: cwd } }
      const open = yield* run(["get", ...urls, "--netrc", "-c1", "-u", "user:word"], home)
      assert.strictEqual(open.exitCode, 0, open.stderr)
      assert.include(open.stderr, `${cwd}/.netrc: other users can read the passwords in it; 'chmod 600 `)
      assert.deepStrictEqual(first.seen, [
        "127.0.0.1/a user:word",
        "127.0.0.1/to user:word",
        "127.0.0.1/to user:word",
        "127.0.0.1/ own:word"
      ])
      assert.deepStrictEqual(other.seen, [
        "localhost/b l:s3cret",
        "localhost/c none",
        "127.0.0.1/d none",
        "127.0.0.1/e ip:s3cret"
      ])
      chmodSync(`${cwd}/.netrc`, 0o600)
      const closed = yield* run(["get", `${first.url}/f`, "--netrc-file", ".netrc"], home)
      assert.notInclude(closed.stderr, "chmod")
      assert.strictEqual(first.seen.at(-1), "127.0.0.1/f ip:s3cret")
    })
  )
})
