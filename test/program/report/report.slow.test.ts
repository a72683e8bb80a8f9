/**
 * `halyard report`: the page of a run from its JSON lines.
 */
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { hasBrowser, needsBrowser, openFile, rowsOf } from "../../support/browser.js"
import { get, origin } from "../../support/program/get.js"
import { run, runBash, temporaryDirectory } from "../../support/program/program.js"
import { runDataOf } from "../../support/recorded/recordedRun.js"
import { http } from "../../support/servers/loopback.js"

/** The lines and the page of a run with saved and failed files. */
const recorded = Effect.gen(function* () {
  const { url } = yield* origin
  const cwd = yield* temporaryDirectory
  const parameters = [`${url}/a`, `${url}/missing`, `${url}/b?key=secret`, "ftp://x/y", "-d", "out", "--json"]
  const ended = yield* get([...parameters, "--report", "direct.html"], { cwd })
  assert.strictEqual(ended.exitCode, 1)
  writeFileSync(`${cwd}/run.ndjson`, ended.stdout)
  return { cwd, url, lines: ended.stdout.trimEnd().split("\n") }
})

const report = (cwd: string, ...parameters: ReadonlyArray<string>) => run(["report", ...parameters], { cwd })

describe("halyard report", () => {
  it.scopedLive("makes the same page as --report", () =>
    Effect.gen(function* () {
      const { cwd } = yield* recorded
      const ended = yield* report(cwd, "run.ndjson", "--html", "run.html")
      assert.strictEqual(ended.exitCode, 0, ended.stderr)
      const [direct, made] = ["direct.html", "run.html"].map((file) =>
        runDataOf(readFileSync(`${cwd}/${file}`, "utf8"))
      )
      assert.deepStrictEqual(made, direct)
      assert.deepInclude(made?.counts, { saved: 2, failed: 2 })
    })
  )

  it.scopedLive("tells how many bytes of unfinished files were kept and discarded, as --report does", () =>
    Effect.gen(function* () {
      const content = Buffer.alloc(400_000)
      const { url } = yield* http((request, response) => {
        const etag = request.url === "/kept" ? { etag: '"1"' } : {}
        response.writeHead(200, { "content-length": 500_000, ...etag }).write(content, () => response.destroy())
      })
      const cwd = yield* temporaryDirectory
      const ended = yield* get([`${url}/kept`, `${url}/lost`, "--retries", "0", "--json", "--report", "direct.html"], {
        cwd
      })
      assert.strictEqual(ended.exitCode, 1)
      writeFileSync(`${cwd}/run.ndjson`, ended.stdout)
      const made = yield* report(cwd, "run.ndjson", "--html", "run.html")
      assert.strictEqual(made.exitCode, 0, made.stderr)
      const sums = ["direct.html", "run.html"].map(
        (file) => runDataOf(readFileSync(`${cwd}/${file}`, "utf8")).leftovers
      )
      assert.deepStrictEqual(sums[1], sums[0])
      assert.strictEqual(sums[0]?.kept.files, 1)
      assert.strictEqual(sums[0]?.discarded[0]?.reason, "no-validator")
      assert.strictEqual(sums[0]?.discarded[0]?.file, "lost")
    })
  )

  it.scopedLive("does not open the files that the lines name", () =>
    Effect.gen(function* () {
      const { cwd, lines } = yield* recorded
      const picture = Buffer.from("R0lGODlhAQABAAAAACwAAAAAAQABAAACAkQBADs=", "base64")
      for (const file of ["private.gif", "run.html"]) {
        writeFileSync(`${cwd}/${file}`, picture)
      }
      const text = lines.join("\n")
      assert.include(text, `"file":"out/a"`)
      const named = text
        .replaceAll(`"file":"out/a"`, `"file":"${cwd}/private.gif"`)
        .replaceAll(`"file":"out/b"`, `"file":"run.html"`)
      writeFileSync(`${cwd}/run.ndjson`, named)
      const ended = yield* report(cwd, "run.ndjson", "--html", "run.html")
      assert.strictEqual(ended.exitCode, 0, ended.stderr)
      const { pictures } = runDataOf(readFileSync(`${cwd}/run.html`, "utf8"))
      assert.deepStrictEqual(pictures, [])
    })
  )

  it.scopedLive("reads standard input", () =>
    Effect.gen(function* () {
      const { cwd } = yield* recorded
      const ended = yield* runBash("cat run.ndjson | halyard report - --html run.html", { cwd })
      assert.strictEqual(ended.exitCode, 0, ended.stderr)
      assert.isTrue(existsSync(`${cwd}/run.html`))
    })
  )

  it.scopedLive.skipIf(!hasBrowser)(`shows what a killed run was doing${needsBrowser}`, () =>
    Effect.gen(function* () {
      const { cwd, lines } = yield* recorded
      const begun = lines.filter((line) => !/"event":"(?:Finished|Report)"/.test(line))
      writeFileSync(`${cwd}/killed.ndjson`, `${begun.join("\n")}\n{"event":"Finished","atMi`)
      const ended = yield* report(cwd, "killed.ndjson", "--html", "run.html")
      assert.strictEqual(ended.exitCode, 0)
      assert.strictEqual(
        ended.stderr,
        `killed.ndjson, line ${begun.length + 1}: the last line is cut off, and is left out\n`
      )
      const { page } = yield* openFile(`${cwd}/run.html`)
      assert.strictEqual(
        yield* Effect.promise(() => page.locator("h1").innerText()),
        "The run was stopped after 0 of 4 files"
      )
      assert.sameDeepMembers(
        (yield* rowsOf(page, "all-transfers-table")).map(([name, outcome]) => [name, outcome]),
        [
          ["a", "unfinished"],
          ["missing", "unfinished"],
          ["b", "unfinished"],
          ["index.html", "unfinished"]
        ]
      )
    })
  )

  it.scopedLive("says which lines it cannot read, and makes the page from the rest", () =>
    Effect.gen(function* () {
      const { cwd, lines } = yield* recorded
      const [first = "", ...rest] = lines
      const odd = [`{"event":"Later","atMillis":1}`, "not JSON", `{"event":"Started","atMillis":1}`, "[1]", ""]
      writeFileSync(`${cwd}/odd.ndjson`, [first, ...odd, ...rest].join("\n"))
      const ended = yield* report(cwd, "odd.ndjson", "--html", "run.html")
      assert.strictEqual(ended.exitCode, 1)
      const [broken, invalid, other, ...more] = ended.stderr.trimEnd().split("\n")
      assert.strictEqual(broken, "odd.ndjson, line 3: it is not JSON")
      assert.match(invalid ?? "", /^odd\.ndjson, line 4: it is not a line of halyard --json: /)
      assert.strictEqual(other, "odd.ndjson, line 5: it is not a line of halyard --json")
      assert.deepStrictEqual(more, [])
      assert.deepInclude(runDataOf(readFileSync(`${cwd}/run.html`, "utf8")).counts, { saved: 2, failed: 2 })
    })
  )

  it.scopedLive("refuses what is no run, and writes nothing", () =>
    Effect.gen(function* () {
      const { cwd } = yield* recorded
      writeFileSync(`${cwd}/text`, "hello\n")
      writeFileSync(`${cwd}/empty`, "")
      const refusals: ReadonlyArray<readonly [ReadonlyArray<string>, number, string]> = [
        [["text", "--html", "x.html"], 1, "text, line 1: it is not JSON\ntext: it has no line of halyard --json\n"],
        [["empty", "--html", "x.html"], 1, "empty: it has no line of halyard --json\n"],
        [["run.ndjson"], 2, "halyard report: give the file to write: --html FILE or --har FILE\n"],
        [["--html", "x.html"], 2, "halyard report: give one FILE, with the lines of a run, or - for standard input\n"],
        [["none", "--html", "x.html"], 2, "halyard report: none: there is no such file\n"],
        [["text", "--html", "text"], 2, "halyard report: --html text: it is also the file of the run\n"]
      ]
      for (const [parameters, exitCode, stderr] of refusals) {
        const ended = yield* report(cwd, ...parameters)
        assert.deepStrictEqual([ended.exitCode, ended.stderr], [exitCode, stderr])
      }
      assert.isFalse(existsSync(`${cwd}/x.html`))
    })
  )

  it.scopedLive("joins the runs of a file", () =>
    Effect.gen(function* () {
      const { cwd } = yield* recorded
      appendFileSync(`${cwd}/run.ndjson`, readFileSync(`${cwd}/run.ndjson`))
      const ended = yield* report(cwd, "run.ndjson", "--html", "run.html")
      assert.strictEqual(ended.exitCode, 0, ended.stderr)
      assert.strictEqual(ended.stderr, "run.ndjson: it has 2 runs, which are shown as one\n")
      assert.deepInclude(runDataOf(readFileSync(`${cwd}/run.html`, "utf8")).counts, { saved: 4, failed: 4 })
    })
  )

  it.scopedLive.skipIf(!hasBrowser)(`says that the lines of a quiet run are failures only${needsBrowser}`, () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const cwd = yield* temporaryDirectory
      const quiet = yield* get([`${url}/a`, `${url}/missing`, "-d", "out", "-q", "--json"], { cwd })
      writeFileSync(`${cwd}/quiet.ndjson`, quiet.stdout)
      const ended = yield* report(cwd, "quiet.ndjson", "--html", "run.html")
      assert.strictEqual(ended.exitCode, 0, ended.stderr)
      assert.strictEqual(
        ended.stderr,
        "quiet.ndjson: it has failures only, as a run with --quiet prints them. Other files are not counted\n"
      )
      const { page } = yield* openFile(`${cwd}/run.html`)
      assert.strictEqual(
        yield* Effect.promise(() => page.locator("h1").innerText()),
        "1 file failed. The lines are of a run with --quiet"
      )
    })
  )
})
