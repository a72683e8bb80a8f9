/**
 * `halyard submit --local`: a list that several processes of one machine download.
 */
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { until } from "../../support/poll.js"
import { awaitChildren, awaitEnd, listOf } from "../../support/program/batches.js"
import { linesOf, reportOf } from "../../support/program/eventLines.js"
import { bin, filesIn, halyard, run, temporaryDirectory } from "../../support/program/program.js"
import { itOnTerminal, startOnTerminal } from "../../support/program/pseudoTerminal.js"
import { http } from "../../support/servers/loopback.js"

/** An origin that answers with the path, and not at all while it is held. */
const origin = Effect.gen(function* () {
  const [held, requests]: [Array<() => void>, Array<string>] = [[], []]
  let isHeld = false
  const { url } = yield* http((request, response) => {
    requests.push(request.url ?? "")
    const answer = () =>
      request.url === "/missing" ? response.writeHead(404).end() : response.end(`content of ${request.url}`)
    if (isHeld) {
      held.push(answer)
    } else {
      answer()
    }
  })
  return {
    url,
    requests,
    hold: () => {
      isHeld = true
    },
    release: () => {
      isHeld = false
      for (const answer of held.splice(0)) {
        answer()
      }
    },
    awaitHeld: (count: number) =>
      until(
        "held requests",
        () => (held.length >= count ? true : undefined),
        () => requests.join(" ")
      )
  }
})

const submit = ["submit", "--local", "--processes", "2"]

describe("halyard submit --local", () => {
  it.scopedLive("saves each file once by several processes, and a second run fetches nothing", () =>
    Effect.gen(function* () {
      const { requests, url } = yield* origin
      const cwd = yield* temporaryDirectory
      const line = [...submit, "--shard-size", "10", "-i", listOf(cwd, url, 95), "-d", "files"]
      const first = yield* run(line, { cwd })
      assert.deepStrictEqual([first.exitCode, first.stdout], [0, ""], first.stderr)
      assert.match(first.stderr, /^95 saved; /m)
      assert.strictEqual(new Set(requests).size, 95)
      assert.strictEqual(requests.length, 95)
      assert.strictEqual(filesIn(join(cwd, "files")).length, 95)
      assert.strictEqual(readFileSync(join(cwd, "files", "42"), "utf8"), "content of /42")
      const second = yield* run(line, { cwd })
      assert.strictEqual(second.exitCode, 0, second.stderr)
      assert.match(second.stderr, /^0 saved, 95 skipped; /m)
      assert.strictEqual(requests.length, 95)
    })
  )

  it.scopedLive("prints the failures and the report of get with --json, and exits with 1", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const cwd = yield* temporaryDirectory
      const list = listOf(cwd, url, 5, ["missing"])
      const { exitCode, stdout } = yield* run([...submit, "-i", list, "-d", "files", "--json"], {
        cwd
      })
      assert.strictEqual(exitCode, 1)
      assert.deepInclude(reportOf(stdout), { saved: 5, failed: 1, notFound: 1, failures: { HttpStatus: 1 } })
      const [begin, failed] = linesOf(stdout)
      assert.deepInclude(begin, { event: "Run", command: "get" })
      assert.deepInclude(failed, { event: "Finished", outcome: "Failed", index: 6, url: `${url}/missing` })
    })
  )

  it.scopedLive("reports the items of a list that have no request, and downloads the others", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const cwd = yield* temporaryDirectory
      writeFileSync(join(cwd, "list.csv"), `url,name,sha256\n${url}/a,one,\n${url}/b,../two,\n${url}/c,three,short\n`)
      const { exitCode, stderr } = yield* run(
        ["submit", "--local", "--processes", "1", "-i", "list.csv", "-d", "files"],
        { cwd }
      )
      assert.strictEqual(exitCode, 1)
      assert.match(stderr, /^list\.csv, line 3: .* is outside of the directory/m)
      assert.match(stderr, /^list\.csv, line 4: /m)
      assert.match(stderr, /^2 items are not part of the batch$/m)
      assert.deepStrictEqual(filesIn(join(cwd, "files")), ["one"])
    })
  )

  it.scopedLive("leaves no process after Ctrl-C, and the same command continues", () =>
    Effect.gen(function* () {
      const { awaitHeld, hold, release, url } = yield* origin
      const cwd = yield* temporaryDirectory
      const line = [...submit, "--shard-size", "5", "-i", listOf(cwd, url, 40), "-d", "files"]
      hold()
      const running = yield* halyard(line, { cwd })
      yield* awaitHeld(10)
      const children = yield* awaitChildren(running, 2)
      yield* running.signal("SIGINT")
      const { exitCode, stderr } = yield* running.ended
      assert.strictEqual(exitCode, 130)
      assert.match(stderr, /^0 saved; /m)
      assert.match(stderr, /^the same command again continues/m)
      yield* Effect.forEach(children, awaitEnd)
      assert.deepStrictEqual(filesIn(join(cwd, "files")), [])
      release()
      const again = yield* run(line, { cwd })
      assert.strictEqual(again.exitCode, 0, again.stderr)
      assert.match(again.stderr, /^40 saved; /m)
    })
  )

  it.scopedLive("replaces a process that was killed, and loses no file", () =>
    Effect.gen(function* () {
      const { awaitHeld, hold, release, url } = yield* origin
      const cwd = yield* temporaryDirectory
      const list = listOf(cwd, url, 40)
      hold()
      const running = yield* halyard([...submit, "--shard-size", "5", "-i", list, "-d", "files"], { cwd })
      yield* awaitHeld(10)
      const [victim = -1] = yield* awaitChildren(running, 2)
      process.kill(victim, "SIGKILL")
      yield* awaitEnd(victim)
      release()
      const { exitCode, stderr } = yield* running.ended
      assert.strictEqual(exitCode, 0, stderr)
      assert.match(stderr, /^40 saved; /m)
      assert.match(stderr, /died: .*the process of the shard ended by SIGKILL/)
      assert.strictEqual(filesIn(join(cwd, "files")).length, 40)
    })
  )

  it.scopedLive("lets no process outlive the one that has started it, if that is killed", () =>
    Effect.gen(function* () {
      const { awaitHeld, hold, url } = yield* origin
      const cwd = yield* temporaryDirectory
      hold()
      const running = yield* halyard([...submit, "-i", listOf(cwd, url, 400), "-d", "files"], {
        cwd
      })
      yield* awaitHeld(10)
      const children = yield* awaitChildren(running, 2)
      yield* running.signal("SIGKILL")
      yield* Effect.forEach(children, awaitEnd)
    })
  )

  itOnTerminal(
    "shows the files, the rate and the shards on a terminal",
    Effect.gen(function* () {
      const { awaitHeld, hold, release, url } = yield* origin
      const cwd = yield* temporaryDirectory
      hold()
      const parameters = [...submit, "--shard-size", "5", "-i", listOf(cwd, url, 20)]
      const terminal = yield* startOnTerminal(process.execPath, [bin, ...parameters, "-d", "files"], {
        cwd,
        columns: 100
      })
      yield* awaitHeld(10)
      yield* terminal.awaitRows(/^0\/20 {2}\[>? +\].*\n0 of 4 shards done, \d running/m)
      release()
      assert.strictEqual((yield* terminal.ended).exitCode, 0)
      assert.deepStrictEqual(terminal.rows().filter((row) => /shards|20 saved/.test(row)).length, 1)
    })
  )
})
