/**
 * The documentation, beside the program: its captures are what a terminal shows, and it names every option.
 */
import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { bin, run, temporaryDirectory } from "../../support/program/program.js"
import { itOnTerminal, startOnTerminal } from "../../support/program/pseudoTerminal.js"
import { http } from "../../support/servers/loopback.js"

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8")

/** The commands and the output of each capture. */
const capturesOf = (path: string) =>
  Array.from(read(path).matchAll(/^```console\n\$ (.*)\n([\s\S]*?)```$/gm), ([, command = "", output = ""]) => ({
    command,
    rows: output.trimEnd().split("\n")
  }))

const disk = Buffer.alloc(20_000_000, "disk")

/** The server of the captures. Its first answer for the disk breaks off. */
const origin = Effect.suspend(() => {
  let isFirst = true
  return http((request, response) => {
    switch (request.url) {
      case "/old.zip":
        return response.writeHead(404).end()
      case "/disk.iso": {
        const [, from = "0"] = /^bytes=(\d+)-$/.exec(request.headers.range ?? "") ?? []
        const rest = disk.subarray(Number(from))
        const range = `bytes ${from}-${disk.length - 1}/${disk.length}`
        response.writeHead(from === "0" ? 200 : 206, {
          etag: '"1"',
          "content-length": rest.length,
          // No segments, also on a slow machine.
          "accept-ranges": "none",
          ...(from === "0" ? {} : { "content-range": range })
        })
        if (isFirst) {
          isFirst = false
          return response.write(rest.subarray(0, 12_000_000), () => response.socket?.end())
        }
        return response.end(rest)
      }
      case "/data.csv":
        return response.writeHead(200, { "content-type": "text/csv", "content-length": 1764 }).end(Buffer.alloc(1764))
      case "/report.pdf":
        return response
          .writeHead(200, { "content-type": "application/pdf", "content-length": 48_213 })
          .end(Buffer.alloc(48_213))
      default:
        return response.end(Buffer.alloc(48_213))
    }
  })
})

/** What differs between two runs: times, rates, the port, the order in which files are saved, and samples of a slow body. */
const unordered = (rows: ReadonlyArray<string>): ReadonlyArray<string> =>
  rows
    .filter((row) => !row.startsWith('{"event":"Advanced"'))
    .map((row) =>
      row
        .replace(/\d+\.\d+(?=s$| s$|s \()/g, "T")
        .replace(/(?<=\()\d+\.\d+ [kM]?B(?=\/s\)$)/, "RATE")
        .replace(/(?<=Millis":)\d+/g, "T")
        .replace(/127\.0\.0\.1:\d+/g, "127.0.0.1:PORT")
        .replace(/^(?:[A-Z]{2} ?)+$/, (codes) => codes.trim().split(" ").sort().join(" "))
    )
    .sort()

describe.each(["README.md", "docs/command-line.md"])("%s", (page) => {
  for (const { command, rows } of capturesOf(page)) {
    itOnTerminal(
      `shows what a terminal shows of ${command}`,
      Effect.gen(function* () {
        const { url } = yield* origin
        const cwd = yield* temporaryDirectory
        const line = command.replaceAll("http://files.example", url)
        const script = `halyard() { "${process.execPath}" "${bin}" "$@"; }\n${line}`
        const terminal = yield* startOnTerminal("bash", ["--norc", "-c", script], { cwd, columns: 400 })
        yield* terminal.ended
        const shown = terminal.rows().map((row) => row.replaceAll(url, "http://files.example"))
        assert.deepStrictEqual(unordered(shown), unordered(rows))
      })
    )
  }
})

describe("docs/command-line.md", () => {
  it.scopedLive.each(["get", "report", "flags", "spin", "serve", "config", "submit", "runner", "status", "cancel"])(
    "names every option of halyard %s, and no other",
    (name) =>
      Effect.gen(function* () {
        const { stdout } = yield* run([name, "--help"])
        const [, section = ""] = read("docs/command-line.md").split(`\n## halyard ${name}\n`)
        const [described = ""] = section.split("\n## ")
        const tables = described.split("\n").filter((line) => /^\| .*`-/.test(line))
        const longOf = (text: string) => Array.from(text.matchAll(/(?<![\w-])--[a-z][\w-]*/g), ([option]) => option)
        const documented = new Set(tables.flatMap((line) => longOf(line.split(" | ")[0] ?? "")))
        const everyCommand = ["--help", "--version"]
        const listed = Array.from(stdout.matchAll(/^ {2}(?:-\w,| {3}) (--[a-z][\w-]*)/gm), ([, option = ""]) => option)
        assert.deepStrictEqual(
          Array.from(new Set(listed))
            .filter((option) => !everyCommand.includes(option))
            .sort(),
          Array.from(documented).sort()
        )
      })
  )
})
