/**
 * The lines of `--json`, beside the JSON Schema that the package publishes.
 */
import { readFileSync, writeFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { EventLine } from "../../../../src/EventLine.js"
import { linesOf } from "../../../support/program/eventLines.js"
import { flags } from "../../../support/program/flagsRun.js"
import { get } from "../../../support/program/get.js"
import { halyard, temporaryDirectory } from "../../../support/program/program.js"
import { problemsOf } from "../../../support/recorded/jsonSchema.js"
import { http } from "../../../support/servers/loopback.js"
import { slowFile } from "../../../support/servers/slowFile.js"

const origin = Effect.suspend(() => {
  let isFirst = true
  return http((request, response) => {
    const path = request.url ?? ""
    if (path === "/again" && isFirst) {
      isFirst = false
      response.writeHead(503, { "retry-after": "0" }).end()
    } else if (path === "/missing") {
      response.writeHead(404).end()
    } else if (path === "/broken") {
      response.writeHead(200, { "content-length": "10" }).write("0123", () => response.destroy())
    } else if (path === "/moved") {
      response.writeHead(302, { location: "/ok?key=s3cret" }).end()
    } else if (path === "/quota") {
      response.writeHead(200, { ratelimit: '"q";r=0;t=1' }).end("last")
    } else if (path === "/large") {
      response.end(Buffer.alloc(200_000))
    } else if (path === "/slow") {
      response.writeHead(200, { "content-length": "10" }).write("0123")
    } else if (request.headers["if-none-match"] === '"1"') {
      response.writeHead(304).end()
    } else {
      response.writeHead(200, { etag: '"1"', "content-type": "text/plain" }).end("content")
    }
  })
})

const mirrored = Effect.gen(function* () {
  const group = { most: 0, open: 0 }
  const size = 6 * 1024 * 1024
  const good = yield* slowFile(size, 2, { group })
  const bad = yield* slowFile(size, 2, { group, etag: '"2"', shift: 1 })
  const cwd = yield* temporaryDirectory
  writeFileSync(`${cwd}/list`, JSON.stringify({ url: `${good.url}/a`, mirrors: [`${bad.url}/a`], size }))
  return (yield* get(["-i", "list", "--json", "-v"], { cwd })).stdout
})

const ordinary = Effect.gen(function* () {
  const { url } = yield* origin
  const urls = ["ok", "moved?token=s3cret", "again", "missing", "broken", "quota"].map((path) => `${url}/${path}`)
  const first = yield* get([...urls, "--json", "-c1", "--retries=1"])
  const again = yield* get([`${url}/ok`, "--json"], { cwd: first.cwd })
  const sync = yield* get([`${url}/ok`, "--json", "--sync"], { cwd: first.cwd })
  // At this rate, more of the body arrives after the interval between two samples.
  const limited = yield* get([`${url}/large`, "--json", "--limit-rate", "200kB"])
  // The second request waits for three seconds, and the event comes after one.
  const paced = yield* get([`${url}/ok`, `${url}/large`, "--json", "--rate", "20/m"])
  writeFileSync(`${first.cwd}/list`, `relative\n${url}/ok\n`)
  const refused = yield* get(["-i", "list", "--json"], { cwd: first.cwd })
  const running = yield* halyard(["get", `${url}/slow`, "--json"], { cwd: first.cwd })
  yield* running.awaitOutput(/"Started"/)
  yield* running.signal("SIGINT")
  const interrupted = yield* running.ended
  return [first, again, sync, limited, paced, refused, interrupted].map(({ stdout }) => stdout).join("")
})

describe("the lines of --json", () => {
  it.scopedLive("are valid by the published JSON Schema, and there are all kinds of them", () =>
    Effect.gen(function* () {
      const stdout = [yield* mirrored, yield* ordinary, (yield* flags(["--json", "BR", "ZZ"])).lines.join("\n")].join(
        ""
      )
      const lines = linesOf(stdout)
      assert.deepStrictEqual(problemsOf(stdout.split("\n").filter((line) => line !== "")), [])
      const kindOf = (line: object) => ("outcome" in line ? line.outcome : "event" in line ? line.event : undefined)
      const known = EventLine.members.map(({ fields }) =>
        "outcome" in fields ? fields.outcome.literals[0] : fields.event.literals[0]
      )
      assert.deepStrictEqual(new Set(lines.map(kindOf)), new Set(known))
      assert.notInclude(stdout, "s3cret")
    })
  )

  it.scopedLive("have a schema that the command prints and the package exports", () =>
    Effect.gen(function* () {
      const { exitCode, stderr, stdout } = yield* get(["--json-schema"])
      assert.deepStrictEqual([exitCode, stderr], [0, ""])
      const manifest = JSON.parse(readFileSync(new URL("../../../../package.json", import.meta.url), "utf8"))
      const file = new URL(`../../../../${manifest.exports["./events.schema.json"]}`, import.meta.url)
      assert.strictEqual(stdout, readFileSync(file, "utf8"))
    })
  )

  it("are refused by the schema if a field is missing, wrong or of another name", () => {
    const line = { event: "Expected", atMillis: 1, files: 2 }
    assert.deepStrictEqual(problemsOf([JSON.stringify(line)]), [])
    for (const wrong of [
      { ...line, atMillis: 0.5 },
      { ...line, files: undefined },
      { ...line, file: 1 }
    ]) {
      assert.notStrictEqual(problemsOf([JSON.stringify(wrong)]).length, 0, JSON.stringify(wrong))
    }
  })
})
