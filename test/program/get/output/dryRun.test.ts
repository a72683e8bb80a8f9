/**
 * `halyard get --dry-run`: the plan is told, nothing is requested, and the disk stays as it is.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { get, origin, sha256 } from "../../../support/program/get.js"
import { filesIn, temporaryDirectory } from "../../../support/program/program.js"
import { http } from "../../../support/servers/loopback.js"

const counting = Effect.suspend(() => {
  let requests = 0
  return Effect.map(
    http((_, response) => {
      requests++
      response.end()
    }),
    ({ url }) => ({ url, requests: () => requests })
  )
})

describe("halyard get --dry-run", () => {
  it.scopedLive("says what would be downloaded and skipped, and creates no directory", () =>
    Effect.gen(function* () {
      const { requests, url } = yield* counting
      const cwd = yield* temporaryDirectory
      writeFileSync(`${cwd}/b`, "four")
      writeFileSync(`${cwd}/list`, `${url}/c?key=s3cret\n${url}/d\n  out=sub/e\nnonsense\n`)
      const { exitCode, files, stderr, stdout } = yield* get(
        ["--dry-run", `${url}/a`, `${url}/b`, "-i", "list", "--on-exists=skip"],
        { cwd }
      )
      assert.deepStrictEqual([exitCode, files, requests()], [0, ["b", "list"], 0])
      assert.strictEqual(
        stdout,
        [
          `a: would be downloaded from ${url}/a`,
          "b: would be skipped, because it exists (4 bytes)",
          `c: would be downloaded from ${url}/c?key=…`,
          `sub/e: would be downloaded from ${url}/d`,
          ""
        ].join("\n")
      )
      assert.match(stderr, /^dry run: 3 to download, 1 to skip, 1 would fail; no request was sent$/m)
      const elsewhere = yield* get(["--dry-run", "-d", "new/dir", `${url}/a`], { cwd })
      assert.deepStrictEqual([elsewhere.exitCode, elsewhere.files, requests()], [0, ["b", "list"], 0])
    })
  )

  it.scopedLive("follows --on-exists, --checksum and -J", () =>
    Effect.gen(function* () {
      const { requests, url } = yield* counting
      const cwd = yield* temporaryDirectory
      writeFileSync(`${cwd}/a`, "content")
      mkdirSync(`${cwd}/d`)
      const planOf = (...parameters: ReadonlyArray<string>) =>
        Effect.map(get(["--dry-run", "--json", ...parameters], { cwd }), ({ exitCode, stdout }) => {
          assert.strictEqual(exitCode, 0)
          const { file, plan } = JSON.parse(stdout.split("\n")[0] ?? "")
          return [plan, file]
        })
      assert.deepStrictEqual(yield* planOf(`${url}/a`, "--on-exists=overwrite"), ["replace", "a"])
      assert.deepStrictEqual(yield* planOf(`${url}/a`, "--on-exists=unique"), ["number", "a-2"])
      assert.deepStrictEqual(yield* planOf(`${url}/a`, "--on-exists=fail"), ["fail", "a"])
      assert.deepStrictEqual(yield* planOf(`${url}/a`, "--on-exists=skip"), ["skip", "a"])
      assert.deepStrictEqual(yield* planOf(`${url}/d`, "--on-exists=skip"), ["fail", "d"])
      assert.deepStrictEqual(yield* planOf(`${url}/a`, "-J"), ["name", "a"])
      const stream = yield* get(["--dry-run", "-o", "-", `${url}/a`], { cwd })
      assert.strictEqual(stream.stdout, `-: would be downloaded from ${url}/a\n`)
      const wrong = yield* planOf(`${url}/a`, "--checksum", sha256("other"))
      assert.include(["replace", "ask"], wrong[0])
      assert.deepStrictEqual([requests(), filesIn(cwd)], [0, ["a", "d"]])
    })
  )

  it.scopedLive("reads a journal, and neither creates nor changes one", () =>
    Effect.gen(function* () {
      const { requests, url } = yield* counting
      const missing = yield* get(["--dry-run", "--journal", "run.ndjson", `${url}/a`])
      assert.deepStrictEqual([missing.exitCode, missing.files], [0, []])
      const { cwd } = yield* get(["--journal", "run.ndjson", `${url}/a`])
      const before = readFileSync(`${cwd}/run.ndjson`)
      const again = yield* get(["--dry-run", "--journal", "run.ndjson", `${url}/a`, `${url}/b`], { cwd })
      assert.match(again.stdout, /^a: would be skipped, because it is unchanged since it was saved/)
      assert.deepStrictEqual(readFileSync(`${cwd}/run.ndjson`), before)
      const wrong = yield* get(["--dry-run", "--journal", "no/such/run.ndjson", `${url}/a`])
      assert.deepStrictEqual([wrong.exitCode, requests()], [0, 1])
    })
  )

  it.scopedLive("has exit code 2 for a wrong command line", () =>
    Effect.gen(function* () {
      const { exitCode, stdout } = yield* get(["--dry-run"])
      assert.deepStrictEqual([exitCode, stdout], [2, ""])
    })
  )

  it.scopedLive("knows what an earlier run has saved", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const { cwd } = yield* get([`${url}/a`])
      const { stdout } = yield* get(["--dry-run", "--json", `${url}/a`], { cwd })
      assert.include(stdout, '"plan":"skip"')
      assert.include(stdout, "recorded")
    })
  )
})
