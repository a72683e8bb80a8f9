/**
 * `halyard clean`, beside processes that run, are paused and were killed.
 */
import { existsSync, mkdirSync, readdirSync, statSync, symlinkSync, utimesSync, writeFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { until } from "../../support/poll.js"
import { filesIn, halyard, run, temporaryDirectory } from "../../support/program/program.js"
import { http } from "../../support/servers/loopback.js"

/** Sends half of the file, and nothing more. */
const stuck = Effect.suspend(() =>
  http((_, response) => {
    response.writeHead(200, { "content-length": 4_000_000, etag: '"1"' }).write(Buffer.alloc(2_000_000, 1))
  })
)

const partsIn = (directory: string) => filesIn(directory).filter((name) => /^\.halyard-.*\.part$/.test(name))

const leftIn = (directory: string) => filesIn(directory).filter((name) => name.startsWith(".halyard-"))

/** Begins a download, and waits until its part has a megabyte. */
const begin = (url: string, cwd: string, name: string) =>
  Effect.gen(function* () {
    const running = yield* halyard(["get", `${url}/${name}`], { cwd })
    yield* until(
      `a part of ${name}`,
      () =>
        partsIn(cwd).some((part) => part.endsWith(`-${name}.part`) && statSync(`${cwd}/${part}`).size >= 1_000_000) ||
        undefined,
      running.stderr
    )
    return running
  })

describe("halyard clean", () => {
  it.scopedLive("removes the parts of killed processes, and not those of running and paused ones", () =>
    Effect.gen(function* () {
      const { url } = yield* stuck
      const cwd = yield* temporaryDirectory
      const killed = yield* begin(url, cwd, "killed.iso")
      const paused = yield* begin(url, cwd, "paused.iso")
      const running = yield* begin(url, cwd, "running.iso")
      yield* killed.signal("SIGKILL")
      yield* killed.ended
      yield* paused.signal("SIGSTOP")
      const old = ".halyard-0123456789ab.part"
      writeFileSync(`${cwd}/${old}`, "old")
      utimesSync(`${cwd}/${old}`, 1_000_000_000, 1_000_000_000)
      writeFileSync(`${cwd}/.halyard-fresh5678901.part`, "of an earlier version, which may still run")
      writeFileSync(`${cwd}/.halyard-notes.part`, "mine")
      writeFileSync(`${cwd}/.halyard-${"0".repeat(22)}.record`, "a record without a part")
      const before = leftIn(cwd)

      const listed = yield* run(["clean", "--dry-run"], { cwd })
      assert.strictEqual(listed.exitCode, 0, listed.stderr)
      assert.match(listed.stdout, /^killed\.iso: \d\.\d MB, \d+ (second|minute)s? old$/m)
      assert.match(listed.stdout, new RegExp(`^paused\\.iso: .*, in use by process ${paused.pid}$`, "m"))
      assert.match(listed.stdout, new RegExp(`^running\\.iso: .*, in use by process ${running.pid}$`, "m"))
      assert.match(listed.stdout, /^\.halyard-0123456789ab\.part: 3 B, \d+ days old$/m)
      assert.match(listed.stdout, /^\.halyard-fresh5678901\.part: .* may be in use by another machine or container$/m)
      assert.match(listed.stderr, /^2 unfinished parts, \d\.\d MB; 3 in use\n$/)
      assert.deepStrictEqual(
        leftIn(cwd).filter((name) => !name.endsWith(".record")),
        before.filter((name) => !name.endsWith(".record"))
      )

      const cleaned = yield* run(["clean", "--json", "."], { cwd })
      const lines = cleaned.stdout
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line))
      assert.strictEqual(cleaned.exitCode, 0, cleaned.stderr)
      assert.sameMembers(
        lines.slice(0, -1).map(({ destination, file, use }) => `${destination ?? file}: ${use}`),
        [
          ".halyard-0123456789ab.part: none",
          ".halyard-fresh5678901.part: unknown",
          "killed.iso: none",
          "paused.iso: running",
          "running.iso: running"
        ]
      )
      assert.deepInclude(lines.at(-1), {
        report: { removed: 2, bytes: lines.at(-1).report.bytes },
        inUse: 3,
        failed: 0
      })
      assert.deepInclude(
        lines.find(({ destination }) => destination === "killed.iso"),
        { removed: true, use: "none" }
      )
      assert.deepInclude(
        lines.find(({ destination }) => destination === "paused.iso"),
        {
          removed: false,
          use: "running",
          process: paused.pid
        }
      )
      assert.deepStrictEqual(
        partsIn(cwd)
          .map((name) => name.replace(/^.*-/, ""))
          .sort(),
        ["fresh5678901.part", "notes.part", "paused.iso.part", "running.iso.part"]
      )
      assert.isFalse(existsSync(`${cwd}/.halyard-${"0".repeat(22)}.record`))
      yield* paused.signal("SIGCONT")
    })
  )

  it.scopedLive("removes the list that a killed run with --failed has left, and not that of a running one", () =>
    Effect.gen(function* () {
      const { connections, url } = yield* stuck
      const cwd = yield* temporaryDirectory
      const lists = () => leftIn(cwd).filter((name) => name.endsWith(".failed"))
      const start = Effect.gen(function* () {
        const before = { lists: lists().length, connections: connections() }
        const running = yield* halyard(["get", `${url}/a`, "-o", "/dev/null", "--failed", "failed"], { cwd })
        // A file that tries the directory has such a name too. It is gone when the first connection opens.
        yield* until("a connection", () => connections() > before.connections || undefined, running.stderr)
        yield* until("a list", () => lists().length > before.lists || undefined, running.stderr)
        return running
      })
      const killed = yield* start
      yield* killed.signal("SIGKILL")
      yield* killed.ended
      const [left] = lists()
      writeFileSync(`${cwd}/.halyard-1zq9x.failed`, "of an earlier version")
      utimesSync(`${cwd}/.halyard-1zq9x.failed`, 1_000_000_000, 1_000_000_000)
      const running = yield* start
      const listed = yield* run(["clean", "-n"], { cwd })
      assert.include(listed.stdout, `${left}: 0 B, `)
      assert.match(listed.stdout, new RegExp(`\\.failed: 0 B, .* in use by process ${running.pid}$`, "m"))
      const cleaned = yield* run(["clean"], { cwd })
      assert.match(cleaned.stderr, /^2 unfinished parts, .* removed; 1 in use$/m)
      assert.strictEqual(lists().length, 1)
      assert.notStrictEqual(lists()[0], left)
    })
  )

  it.scopedLive("looks below with --recursive, follows no link, and says what it cannot read", () =>
    Effect.gen(function* () {
      const cwd = yield* temporaryDirectory
      const elsewhere = yield* temporaryDirectory
      mkdirSync(`${cwd}/a/b`, { recursive: true })
      const free = `.halyard-${"0".repeat(22)}-0-file.part`
      for (const directory of [`${cwd}/a/b`, elsewhere]) {
        writeFileSync(`${directory}/${free}`, "part")
      }
      symlinkSync(elsewhere, `${cwd}/a/link`)
      const flat = yield* run(["clean"], { cwd })
      assert.deepStrictEqual([flat.exitCode, flat.stdout, flat.stderr], [0, "", "no unfinished part to remove\n"])
      const deep = yield* run(["clean", "-r", "missing", "."], { cwd })
      assert.strictEqual(deep.exitCode, 1)
      assert.match(deep.stdout, /^a\/b\/file: 4 B, \d+ seconds? old\n$/)
      assert.match(deep.stderr, /^missing: the directory does not exist\n1 unfinished part, 4 B, removed\n$/)
      assert.deepStrictEqual([readdirSync(`${cwd}/a/b`), readdirSync(elsewhere)], [[], [free]])
      const empty = yield* run(["clean", ""], { cwd })
      assert.deepStrictEqual([empty.exitCode, empty.stderr], [2, "halyard clean: DIR must not be empty\n"])
    })
  )
})
