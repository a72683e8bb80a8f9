/**
 * `halyard get --output` with an output that is not a regular file: standard output, a descriptor, a pipe, a device.
 */
import { createHash, randomBytes } from "node:crypto"
import { lstatSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { linesOf } from "../../../support/program/eventLines.js"
import {
  bin,
  filesIn,
  halyard,
  run,
  runBash,
  runCommand,
  start,
  temporaryDirectory
} from "../../../support/program/program.js"
import { http } from "../../../support/servers/loopback.js"

const content = randomBytes(1_000_000)

const origin = Effect.suspend(() => http((_, response) => response.end(content)))

/** Sends the first half and closes the connection; the rest is sent to who asks for it, if there are ranges. */
const breaking = (etag: string | undefined) =>
  http(({ headers: { range } }, response) => {
    const half = content.length / 2
    if (etag !== undefined) {
      response.setHeader("etag", etag)
    }
    if (etag !== undefined && range !== undefined) {
      response.setHeader("content-range", `bytes ${half}-${content.length - 1}/${content.length}`)
      response.writeHead(206, { "content-length": half }).end(content.subarray(half))
    } else {
      response.writeHead(200, { "content-length": content.length })
      response.write(content.subarray(0, half), () => response.destroy())
    }
  })

const sha256 = (bytes: Uint8Array) => `sha256:${createHash("sha256").update(bytes).digest("hex")}`

// Side by side, because most of their time is spent waiting for other processes.
describe.concurrent("halyard get --output -", () => {
  it.scopedLive("writes the bytes to standard output, all else to standard error, and makes no file", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const cwd = yield* temporaryDirectory
      for (const line of [
        ["-o", "-"],
        ["-o-", "-d", "sub"],
        ["-o", "/dev/stdout", "--checksum", sha256(content)]
      ]) {
        const { exitCode, stderr, stdoutBytes } = yield* run(["get", `${url}/a`, ...line], { cwd })
        assert.strictEqual(exitCode, 0)
        assert.isTrue(stdoutBytes.equals(content), line.join(" "))
        assert.match(stderr, /^downloading\n1 saved; 1\.0 MB in /)
      }
      assert.deepStrictEqual(filesIn(cwd), [])
    })
  )

  it.scopedLive("continues after a failure if the server supports it", () =>
    Effect.gen(function* () {
      const { url } = yield* breaking('"one"')
      const { exitCode, stderr, stdoutBytes } = yield* run(["get", `${url}/a`, "-o", "-"])
      assert.strictEqual(exitCode, 0, stderr)
      assert.isTrue(stdoutBytes.equals(content))
    })
  )

  it.scopedLive("fails with one sentence if the server does not support it, and repeats no byte", () =>
    Effect.gen(function* () {
      const { url } = yield* breaking(undefined)
      const { exitCode, stderr, stdoutBytes } = yield* run(["get", `${url}/a`, "-o", "-"])
      assert.strictEqual(exitCode, 1)
      assert.isAbove(stdoutBytes.length, 0)
      assert.isTrue(stdoutBytes.equals(content.subarray(0, stdoutBytes.length)))
      assert.match(
        stderr,
        /cannot write standard output: the transfer would have to start over, and \d+ bytes are written already$/m
      )
      assert.match(stderr, /^0 saved, 1 failed; /m)
    })
  )

  it.scopedLive("fails if the content has another digest, or if there is no file", () =>
    Effect.gen(function* () {
      const { url } = yield* http((request, response) =>
        request.url === "/none" ? response.writeHead(404).end("no") : response.end("content")
      )
      const other = yield* run(["get", `${url}/a`, "-o", "-", "--retries=0", "--checksum", sha256(content)])
      assert.deepStrictEqual([other.exitCode, other.stdout], [1, "content"])
      assert.match(other.stderr, /the digest is/)
      const none = yield* run(["get", `${url}/none`, "-o", "-"])
      assert.deepStrictEqual([none.exitCode, none.stdout], [1, ""])
    })
  )

  it.scopedLive("ends with its reader", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const { stderr, stdout } = yield* runBash(
        `halyard get ${url}/a -o - | head -c 4 | wc -c; echo "\${PIPESTATUS[0]}"`
      )
      assert.match(stdout, /^ *4\n141\n$/)
      assert.notMatch(stderr, /EPIPE|Error/)
    })
  )

  it.scopedLive("handles a signal while its reader does not read", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const cwd = yield* temporaryDirectory
      yield* runCommand("mkfifo", [`${cwd}/pipe`])
      // A reader that opens the pipe and reads nothing.
      yield* start("bash", ["-c", "exec 3< pipe; sleep 60"], { cwd })
      const running = yield* start(
        "bash",
        ["-c", 'exec "$0" "$1" get "$2" -o - > pipe', process.execPath, bin, `${url}/a`],
        { cwd }
      )
      yield* running.awaitOutput(/downloading/)
      yield* Effect.sleep("1 second")
      yield* running.signal("SIGTERM")
      assert.strictEqual((yield* running.ended).exitCode, 143)
    })
  )
})

describe.concurrent("halyard get --output", () => {
  it.scopedLive("writes to a descriptor that the shell has opened, after its existing content", () =>
    Effect.gen(function* () {
      const { url } = yield* http((_, response) => response.end("content\n"))
      const cwd = yield* temporaryDirectory
      const { exitCode, stderr } = yield* runBash(
        `{ echo before; halyard get ${url}/a -o /dev/stdout && echo after; } > file &&
        { echo before >&3; halyard get ${url}/a -o /dev/fd/3 && echo after >&3; } 3> third > paths &&
        halyard get ${url}/a -o /dev/stderr > /dev/null`,
        { cwd }
      )
      assert.strictEqual(exitCode, 0, stderr)
      assert.strictEqual(readFileSync(`${cwd}/file`, "utf8"), "before\ncontent\nafter\n")
      assert.strictEqual(readFileSync(`${cwd}/third`, "utf8"), "before\ncontent\nafter\n")
      assert.strictEqual(readFileSync(`${cwd}/paths`, "utf8"), "/dev/fd/3\n")
      assert.match(stderr, /^content\n1 saved; 8 B in /m)
      assert.deepStrictEqual(filesIn(cwd), ["file", "paths", "third"])
    })
  )

  it.scopedLive("refuses a descriptor that is not open for writing, before any request", (context) =>
    Effect.gen(function* () {
      if (process.platform !== "linux") {
        return yield* Effect.sync(() => context.skip("only Linux shows what a descriptor is"))
      }
      const { connections, url } = yield* http((_, response) => response.end("content\n"))
      const cwd = yield* temporaryDirectory
      writeFileSync(`${cwd}/in.txt`, "before\n")
      const closed = "(use --output /dev/null to drop the content)"
      // Node's own descriptors are among these numbers.
      const numbers = Array.from({ length: 22 }, (_, index) => index + 3)
      const closing = numbers.map((number) => `${number}>&-`).join(" ")
      yield* Effect.forEach(
        numbers,
        (number) =>
          Effect.map(
            runBash(`exec ${closing}; halyard get ${url}/a -o /dev/fd/${number}`, { cwd }),
            ({ exitCode, stderr, stdout }) =>
              assert.deepStrictEqual(
                [exitCode, stdout, stderr],
                [2, "", `halyard get: --output /dev/fd/${number}: the descriptor ${number} is not open for writing\n`]
              )
          ),
        { concurrency: 4, discard: true }
      )
      for (const [line, said] of [
        ["-o /dev/fd/3 3< in.txt", "/dev/fd/3: the descriptor 3 is not open for writing"],
        ["-d /dev -o fd/3 3< in.txt", "fd/3: the descriptor 3 is not open for writing"],
        ["-o /dev/stdin < in.txt", "/dev/stdin: standard input is not open for writing"],
        ["-o - 1< in.txt", "-: standard output is not open for writing"],
        ["-o - >&-", `-: standard output is closed ${closed}`],
        ["-o /dev/stdout >&-", `/dev/stdout: standard output is closed ${closed}`]
      ] as const) {
        const { exitCode, stderr } = yield* runBash(`halyard get ${url}/a ${line}`, { cwd })
        assert.deepStrictEqual([exitCode, stderr], [2, `halyard get: --output ${said}\n`], line)
      }
      const ended = yield* runBash(`halyard get ${url}/a -o /dev/stderr 2>&-`, { cwd })
      assert.strictEqual(ended.exitCode, 2)
      assert.strictEqual(connections(), 0)
      assert.deepStrictEqual(filesIn(cwd), ["in.txt"])
    })
  )

  it.scopedLive(
    "writes to each descriptor that is passed on: a file, a pipe, one with a high number, the null device",
    () =>
      Effect.gen(function* () {
        const { url } = yield* http((_, response) => response.end("content\n"))
        const cwd = yield* temporaryDirectory
        const { exitCode, stderr, stdout } = yield* runBash(
          `set -e
        halyard get ${url}/a -o /dev/fd/3 3>&1 > paths | cat
        halyard get ${url}/a -o >(cat > substituted; : > done) > paths; until test -e done; do sleep 0.1; done
        halyard get ${url}/a -o /dev/fd/20 20> high > paths
        halyard get ${url}/a -o /dev/stdin 0> standard > paths
        halyard get ${url}/a -o - > /dev/null
        cat substituted high standard`,
          { cwd }
        )
        assert.strictEqual(exitCode, 0, stderr)
        assert.strictEqual(stdout, "content\n".repeat(4))
      })
  )

  it.scopedLive("writes to a named pipe once it has a reader, and leaves the pipe", () =>
    Effect.gen(function* () {
      const { connections, url } = yield* origin
      const cwd = yield* temporaryDirectory
      yield* runCommand("mkfifo", [`${cwd}/pipe`])
      const running = yield* halyard(["get", `${url}/a`, "-o", "pipe"], { cwd })
      yield* running.awaitOutput(/^pipe: waiting for a reader\n/m)
      assert.strictEqual(connections(), 0)
      yield* runBash("cat pipe > copy", { cwd })
      const { exitCode, stdout } = yield* running.ended
      assert.deepStrictEqual([exitCode, stdout], [0, "pipe\n"])
      assert.isTrue(readFileSync(`${cwd}/copy`).equals(content))
      assert.isTrue(statSync(`${cwd}/pipe`).isFIFO())
      assert.deepStrictEqual(filesIn(cwd), ["copy", "pipe"])
    })
  )

  it.scopedLive("can be interrupted while a named pipe has no reader, and reports that a reader has left", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const cwd = yield* temporaryDirectory
      yield* runCommand("mkfifo", [`${cwd}/pipe`])
      const running = yield* halyard(["get", `${url}/a`, "-o", "pipe"], { cwd })
      yield* running.awaitOutput(/^pipe: waiting for a reader\n/m)
      yield* running.signal("SIGTERM")
      const { exitCode, stderr } = yield* running.ended
      assert.strictEqual(exitCode, 143)
      assert.match(stderr, /^pipe: waiting for a reader\n0 saved; 0 B in [\d.]+s\n$/)
      const left = yield* runBash(`head -c 4 pipe & halyard get ${url}/a -o pipe; code=$?; wait; exit $code`, { cwd })
      assert.strictEqual(left.exitCode, 1)
      assert.match(left.stderr, /cannot write pipe: its reader has left$/m)
    })
  )

  it.scopedLive("waits for a reader for at most --max-time", () =>
    Effect.gen(function* () {
      const { connections, url } = yield* origin
      const cwd = yield* temporaryDirectory
      yield* runCommand("mkfifo", [`${cwd}/pipe`])
      const line = ["get", `${url}/a?key=s3cret`, "-o", "pipe", "--max-time", "0.3"]
      const { exitCode, stderr, stdout } = yield* run(line, { cwd })
      assert.deepStrictEqual([exitCode, stdout, connections()], [1, "", 0])
      assert.match(
        stderr,
        /^pipe: waiting for a reader\n[^\n]+: timed out after 0\.3s waiting for the file\n0 saved, 1 failed; [^\n]+\n$/
      )
      assert.notInclude(stderr, "s3cret")
      const json = yield* run([...line, "--json"], { cwd })
      const [begin, outcome, report] = linesOf(json.stdout)
      assert.strictEqual(begin?.event, "Run")
      assert.deepNestedInclude(outcome, { outcome: "Failed", index: 1, "error.phase": "deadline" })
      assert.deepNestedInclude(report, { "report.failed": 1 })
    })
  )

  it.scopedLive("writes to a device, and reports an error of the device", (context) =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const cwd = yield* temporaryDirectory
      const nowhere = yield* run(["get", `${url}/a`, "-o", "/dev/null"], { cwd })
      assert.deepStrictEqual([nowhere.exitCode, nowhere.stdout], [0, "/dev/null\n"])
      assert.isTrue(lstatSync("/dev/null").isCharacterDevice())
      if (process.platform !== "linux") {
        return yield* Effect.sync(() => context.skip("/dev/full is of Linux"))
      }
      const full = yield* run(["get", `${url}/a`, "-o", "/dev/full"], { cwd })
      assert.strictEqual(full.exitCode, 1)
      assert.match(full.stderr, /cannot write \/dev\/full: there is no space left$/m)
      const stdout = yield* runBash(`halyard get ${url}/a -o - > /dev/full`, { cwd })
      assert.strictEqual(stdout.exitCode, 1)
      assert.match(stdout.stderr, /cannot write standard output: there is no space left$/m)
    })
  )
})
