/**
 * `halyard flags`: what is chosen, what arrives, and what is printed.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { outcomesOf, reportOf } from "../../support/program/eventLines.js"
import { countsIn, flags, itemsIn, populous } from "../../support/program/flagsRun.js"
import { halyard, notWhole } from "../../support/program/program.js"

describe.concurrent("halyard flags", () => {
  for (const [engine, connections] of [
    ["sequential", "1 connection"],
    ["threads", "20 concurrent connections"],
    ["fibers", "5 concurrent connections"]
  ] as const) {
    it.scopedLive(`downloads the flags of the 20 most populous countries: ${engine}`, () =>
      Effect.gen(function* () {
        const { directory, exitCode, lines, saved, stderr } = yield* flags(
          engine === "fibers" ? [] : ["--engine", engine]
        )
        assert.strictEqual(exitCode, 0)
        // A line follows every ten seconds, if the machine is that slow.
        assert.match(stderr, /^downloading flags: 0\/20\n(?:downloading flags: \d+\/20 .*\n)*$/)
        assert.match(lines[0] ?? "", /^LOCAL site: http:\/\/127\.0\.0\.1:\d+$/)
        assert.strictEqual(lines[1], "Searching for 20 flags: from BD to VN")
        assert.strictEqual(lines[2], `${connections} will be used.`)
        assert.deepStrictEqual((lines[3] ?? "").trim().split(" ").sort(), populous)
        assert.match(lines[4] ?? "", /^20 flags downloaded in \d+\.\d\ds$/)
        assert.deepStrictEqual(lines.slice(5), [""])
        assert.deepStrictEqual(
          saved,
          populous.map((code) => `${code.toLowerCase()}.gif`)
        )
        assert.deepStrictEqual(notWhole(directory), [])
      })
    )
  }

  it.scopedLive("prints a line for each flag and the counts with --verbose", () =>
    Effect.gen(function* () {
      const { exitCode, lines, saved, stdout } = yield* flags(["-v", "br", "zz", "FR", "zz"])
      assert.strictEqual(exitCode, 1)
      assert.strictEqual(lines[1], "Searching for 3 flags: BR, FR, ZZ")
      assert.strictEqual(lines[2], "3 concurrent connections will be used.")
      assert.deepStrictEqual(itemsIn(stdout), ["BR OK", "FR OK", "ZZ not found: http://127.0.0.1:PORT/zz/zz.gif"])
      assert.deepStrictEqual(lines.slice(6, 9), ["-".repeat(20), "  2 flags downloaded.", "  1 not found."])
      assert.match(lines[9] ?? "", /^Elapsed time: \d+\.\d\ds$/)
      assert.deepStrictEqual(lines.slice(10), [""])
      assert.deepStrictEqual(saved, ["br.gif", "fr.gif"])
    })
  )

  it.scopedLive("exits with 1 for a flag that is not found, with every engine and report", () =>
    Effect.gen(function* () {
      const ended = yield* Effect.forEach(
        [
          ["ZZ"],
          ["BR", "ZZ"],
          ["-v", "BR", "ZZ"],
          ["--json", "ZZ"],
          ["-e", "-l1"],
          ...["sequential", "threads", "fibers"].map((engine) => ["BR", "ZZ", "--engine", engine])
        ],
        (line) => Effect.map(flags(line), ({ exitCode }) => exitCode),
        { concurrency: 4 }
      )
      assert.deepStrictEqual(
        ended,
        ended.map(() => 1)
      )
    })
  )

  it.scopedLive("selects by letter, --all, --every and --limit, in the order of the codes", () =>
    Effect.gen(function* () {
      const [letter, all, every, named, many] = yield* Effect.all(
        [
          flags(["z", "-v"]),
          flags(["--all", "-l", "11"]),
          flags(["BR", "-ae", "--limit=3", "-v"]),
          flags(["vn", "us", "-l1"]),
          flags(["us", "-l9", "-v"])
        ],
        { concurrency: 4 }
      )
      assert.strictEqual(letter.lines[1], "Searching for 26 flags: from ZA to ZZ")
      assert.deepStrictEqual(countsIn(letter.stdout), { flag: 3, "not found": 23 })
      assert.strictEqual(all.lines[1], "Searching for 11 flags: from AD to AZ")
      assert.strictEqual(all.saved.length, 11)
      assert.strictEqual(every.lines[1], "Searching for 3 flags: AA, AB, AC")
      assert.deepStrictEqual(countsIn(every.stdout), { flag: 0, "not found": 3 })
      assert.deepStrictEqual(named.saved, ["us.gif"])
      assert.deepStrictEqual(named.lines.slice(1, 3), ["Searching for 1 flag: US", "1 connection will be used."])
      assert.match(named.stdout, /^1 flag downloaded in \d+\.\d\ds$/m)
      assert.match(many.stdout, /^ {2}1 flag downloaded\.$/m)
    })
  )

  it.scopedLive("has at most as many connections as --max_req, the engine and the flags allow", () =>
    Effect.gen(function* () {
      const ended = yield* Effect.forEach(
        [
          ["-m9", "--engine=sequential", "-l3"],
          ["-m5000", "--engine=threads", "-l3"],
          ["-m2", "--engine=threads", "-l3"],
          ["-m3"]
        ],
        (parameters) => flags(parameters),
        { concurrency: 4 }
      )
      assert.deepStrictEqual(
        ended.map(({ exitCode, lines }) => [exitCode, Number.parseInt(lines[2] ?? "", 10)]),
        [
          [0, 1],
          [0, 3],
          [0, 2],
          [0, 3]
        ]
      )
    })
  )

  it.scopedLive("prints one JSON object for each flag, then the report", () =>
    Effect.gen(function* () {
      const { exitCode, lines } = yield* flags(["--json", "BR", "ZZ", "CN"])
      const stdout = lines.join("\n")
      assert.strictEqual(exitCode, 1)
      assert.strictEqual(lines.at(-1), "")
      const outcomes = outcomesOf(stdout).map(({ code, outcome }) => `${code} ${outcome}`)
      assert.deepStrictEqual(outcomes.sort(), ["BR Saved", "CN Saved", "ZZ Failed"])
      assert.deepInclude(reportOf(stdout), {
        saved: 2,
        skipped: 0,
        failed: 1,
        cancelled: 0,
        notFound: 1
      })
    })
  )

  it.scopedLive("downloads from the server of --base-url", () =>
    Effect.gen(function* () {
      const server = yield* halyard(["serve", "0"])
      yield* server.awaitOutput(/Serving flags at http\S+/)
      const url = /http\S+/.exec(server.stdout())?.[0] ?? ""
      const { exitCode, lines, saved } = yield* flags(["--base-url", `${url}/`, "-l2"])
      assert.strictEqual(exitCode, 0)
      assert.strictEqual(lines[0], `REMOTE site: ${url}`)
      assert.deepStrictEqual(saved, ["bd.gif", "br.gif"])
    })
  )
})
