/**
 * A million items from a pipe take a fixed amount of memory. The benchmark B7 measures the same with files that are saved.
 */
import { readFileSync, writeFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { bin, run, runCommand, temporaryDirectory } from "../../../support/program/program.js"
import { http } from "../../../support/servers/loopback.js"

const items = 1_000_000

// Each item has three lines, and a checksum that is none.
const generator = `
const lines = (index) => "http://127.0.0.1/" + index + "\\n out=file-" + index + "\\n checksum=md5=" + index + "\\n"
let next = 0
const write = () => {
  for (let isTaken = true; isTaken && next < ${items}; ) {
    let text = ""
    for (const end = Math.min(${items}, next + 1000); next < end; next++) text += lines(next)
    isTaken = process.stdout.write(text)
  }
  if (next < ${items}) process.stdout.once("drain", write)
}
write()
`

// The peak of the resident memory in bytes, written at the end of the process.
const peak = `process.on("exit", () => require("node:fs").writeFileSync("peak", String(process.resourceUsage().maxRSS * 1024)))`

describe("a million items from a pipe", () => {
  it.scopedLive("take less than 120 MB", () =>
    Effect.gen(function* () {
      const cwd = yield* temporaryDirectory
      writeFileSync(`${cwd}/generator.cjs`, generator)
      writeFileSync(`${cwd}/peak.cjs`, peak)
      const script = `"$0" generator.cjs | "$0" --require ./peak.cjs "$1" get -i - -d files 2> errors; echo $?; cat peak; echo; tail -n 2 errors`
      const { stdout } = yield* runCommand("bash", ["-c", script, process.execPath, bin], { cwd })
      const [exitCode, peakBytes, ...report] = stdout.split("\n")
      assert.strictEqual(exitCode, "1", stdout)
      assert.include(report.join("\n"), `0 saved, ${items} failed; `)
      assert.isBelow(Number(peakBytes), 120_000_000)
    })
  )

  for (const options of [[], ["--journal", "journal.ndjson"]]) {
    it.scopedLive(`leave nothing in memory after an answer of 404 ${options.join(" ")}`, () =>
      Effect.gen(function* () {
        const { url } = yield* http((_, response) => {
          response.writeHead(404).end()
        })
        const peakOf = Effect.fnUntraced(function* (requests: number) {
          const cwd = yield* temporaryDirectory
          const urls = Array.from({ length: requests }, (_, index) => `${url}/file-${index}`)
          writeFileSync(`${cwd}/urls`, urls.join("\n"))
          writeFileSync(`${cwd}/peak.cjs`, peak)
          const { exitCode, stderr } = yield* run(["get", "-i", "urls", "-d", "files", ...options], {
            cwd,
            env: { NODE_OPTIONS: "--require ./peak.cjs" }
          })
          assert.strictEqual(exitCode, 1, stderr.slice(-1000))
          return Number(readFileSync(`${cwd}/peak`, "utf8"))
        })
        // The first thousands warm the program up: on Node 24, the threads of V8 that compile take 20 to 40 MB.
        const [few, many] = [yield* peakOf(4_000), yield* peakOf(16_000)]
        assert.isBelow(many - few, 40_000_000, `${few} bytes for 4,000 requests, ${many} for 16,000`)
      })
    )
  }
})
