/**
 * A terminal that is closed while a command runs on it. The command ends as with SIGHUP, without a core dump and without a stack
 * trace, unless it was started by `nohup`.
 */
import { readFileSync, writeFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { until } from "../../support/poll.js"
import { bin, filesIn, isAlive, runBash, temporaryDirectory } from "../../support/program/program.js"
import { halyardOnTerminal, itOnTerminal, startOnTerminal } from "../../support/program/pseudoTerminal.js"
import { http } from "../../support/servers/loopback.js"

/** The program's own exit, or the system's before the program has a handler and after it has ended. */
const isHangup = ({ exitCode, signal }: { readonly exitCode: number; readonly signal: number }): boolean =>
  signal === 1 || (signal === 0 && exitCode === 129)

const repeated = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.forEach([1, 2, 3, 4], () => effect, { concurrency: 2 })

/** Gives the beginning of a large file, and no more. */
const endless = http((_, response) => {
  response.writeHead(200, { "content-length": 1e9 })
  response.write(Buffer.alloc(512 * 1024))
})

describe("a terminal that is closed", () => {
  for (const [line, shown] of [
    [["spin"], /thinking!$/],
    [["spin", "--engine=thread"], /thinking!$/],
    [["spin", "--blocking"], /spinner object/],
    [["spin", "-m", "beside", "--", "sleep", "30"], /beside$/],
    [["serve", "0"], /Serving/],
    [["flags", "-s", "DELAY"], /^\d+\/20 {2}/m],
    [["get", "-i", "-"], /downloading/]
  ] as const) {
    itOnTerminal(
      `ends halyard ${line.join(" ")}`,
      repeated(
        Effect.scoped(
          Effect.gen(function* () {
            const terminal = yield* halyardOnTerminal(line, { cwd: yield* temporaryDirectory })
            yield* terminal.awaitRows(shown)
            yield* terminal.close
            const ended = yield* terminal.ended
            assert.isTrue(isHangup(ended), JSON.stringify(ended))
          })
        )
      )
    )
  }

  itOnTerminal(
    "ends halyard get, which leaves no part",
    Effect.gen(function* () {
      const { url } = yield* endless
      yield* repeated(
        Effect.scoped(
          Effect.gen(function* () {
            const cwd = yield* temporaryDirectory
            const terminal = yield* halyardOnTerminal(["get", `${url}/file`], { cwd })
            yield* terminal.awaitRows(/^file {2}/)
            yield* until("part", () => filesIn(cwd)[0], terminal.raw)
            yield* terminal.close
            const ended = yield* terminal.ended
            assert.isTrue(isHangup(ended), JSON.stringify(ended))
            assert.deepStrictEqual(filesIn(cwd), [])
          })
        )
      )
    })
  )

  itOnTerminal(
    "ends it without a stack trace, whichever output was the terminal",
    Effect.gen(function* () {
      const { url } = yield* endless
      yield* Effect.forEach(
        ["2>told", ">told"],
        (redirection) =>
          Effect.scoped(
            Effect.gen(function* () {
              const cwd = yield* temporaryDirectory
              const terminal = yield* startOnTerminal(
                "sh",
                ["-c", `exec "$0" "$1" get --json "$2/file" ${redirection}`, process.execPath, bin, url],
                { cwd }
              )
              const seen = () => filesIn(cwd).join(" ")
              yield* until("file", () => filesIn(cwd).length > 1 || undefined, seen)
              yield* terminal.close
              const ended = yield* terminal.ended
              assert.isTrue(isHangup(ended), JSON.stringify(ended))
              assert.notMatch(readFileSync(`${cwd}/told`, "utf8"), /Error|^\s+at /m)
              assert.deepStrictEqual(filesIn(cwd), ["told"])
            })
          ),
        { concurrency: 2 }
      )
    })
  )

  itOnTerminal(
    "ends a command that ignores every signal that it can",
    Effect.gen(function* () {
      const script = "trap '' HUP INT TERM; echo pid $$; while :; do sleep 0.1; done"
      const terminal = yield* halyardOnTerminal(["spin", "-m", "x", "--", "sh", "-c", script])
      const pid = yield* terminal.awaitScreen("process id", (rows) => /^pid (\d+)$/.exec(rows[0] ?? "")?.[1])
      yield* terminal.close
      assert.isTrue(isHangup(yield* terminal.ended))
      assert.isFalse(isAlive(Number(pid)))
    })
  )
})

describe("nohup", () => {
  for (const [title, line] of [
    ["a download in the background", `nohup "${process.execPath}" "${bin}" get $URL &`],
    ["a script with a download", `nohup sh -c '"${process.execPath}" "${bin}" get $URL; true' &`]
  ] as const) {
    itOnTerminal(
      `lets ${title} outlive its terminal`,
      Effect.gen(function* () {
        const cwd = yield* temporaryDirectory
        let answer: (() => void) | undefined
        const origin = yield* http((_, response) => {
          answer = () => response.end("content")
        })
        const terminal = yield* startOnTerminal("bash", ["--norc", "--noprofile", "-i"], {
          cwd,
          env: { URL: `${origin.url}/file` }
        })
        yield* terminal.type(`${line} echo job $!\r`)
        yield* until("request", () => answer, terminal.raw)
        const job = yield* terminal.awaitScreen("job", (rows) => /job (\d+)$/m.exec(rows.join("\n"))?.[1])
        yield* terminal.close
        yield* terminal.ended
        // As a shell does for its jobs, unless the shell itself is interrupted.
        yield* Effect.sync(() => process.kill(-Number(job), "SIGHUP"))
        yield* Effect.sleep("300 millis")
        answer?.()
        const seen = () => filesIn(cwd).join(" ")
        yield* until("file", () => filesIn(cwd).includes("file") || undefined, seen)
        // It still writes its state file.
        yield* until("end of the job", () => !isAlive(Number(job)) || undefined, seen)
        assert.strictEqual(readFileSync(`${cwd}/file`, "utf8"), "content")
      })
    )
  }

  itOnTerminal(
    "ends a download to the terminal that is closed, with a failure",
    Effect.gen(function* () {
      let isLeft = false
      const { url } = yield* http((_, response) => {
        response.writeHead(200, { "content-length": 1e9 })
        const more = () => response.write(Buffer.alloc(64 * 1024, "content\n"), () => response.destroyed || more())
        response.once("close", () => {
          isLeft = true
        })
        more()
      })
      const line = `trap '' HUP; "$0" "$1" get -o - "$2/file"; exit $?`
      const terminal = yield* startOnTerminal("sh", ["-c", line, process.execPath, bin, url])
      yield* terminal.awaitRows(/content/)
      yield* terminal.close
      assert.deepStrictEqual(yield* terminal.ended, { exitCode: 1, signal: 0 })
      yield* until("end of the connection", () => isLeft || undefined, terminal.raw)
    })
  )

  it.scopedLive("reaches the command of halyard spin", () =>
    Effect.gen(function* () {
      const cwd = yield* temporaryDirectory
      writeFileSync(`${cwd}/command`, "kill -HUP $$; kill -HUP $PPID; echo alive; exit 3")
      const { exitCode, stdout } = yield* runBash(`nohup "${process.execPath}" "${bin}" spin -m x -- sh command`, {
        cwd
      })
      assert.deepStrictEqual([exitCode, stdout], [3, "alive\n"])
    })
  )
})
