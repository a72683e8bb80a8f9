import {
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync
} from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { outcomesOf, reportOf } from "../../../support/program/eventLines.js"
import { get, origin, sha256 } from "../../../support/program/get.js"
import { filesIn, temporaryDirectory } from "../../../support/program/program.js"
import { http } from "../../../support/servers/loopback.js"

interface File {
  text: string
  etag: string
}

/** Serves files with entity tags, and counts the requests and the bytes of bodies. */
const server = (count: number) =>
  Effect.gen(function* () {
    const files = new Map(
      Array.from({ length: count }, (_, index): [string, File] => [
        `/f${index}`,
        { text: `the content of file ${index}\n`, etag: `"${index}"` }
      ])
    )
    const requests: Array<{ readonly path: string; readonly isConditional: boolean }> = []
    const origin = yield* http((request, response) => {
      const path = request.url ?? ""
      const file = files.get(path)
      requests.push({ path, isConditional: request.headers["if-none-match"] !== undefined })
      if (file === undefined) {
        response.writeHead(404).end()
      } else if (request.headers["if-none-match"] === file.etag) {
        response.writeHead(304, { etag: file.etag, "content-length": file.text.length }).end()
      } else {
        response.writeHead(200, { etag: file.etag, "content-length": file.text.length }).end(file.text)
      }
    })
    return {
      ...origin,
      files,
      requests: () => requests.splice(0),
      urls: Array.from(files.keys(), (path) => origin.url + path)
    }
  })

describe("a second run of halyard get", () => {
  it.scopedLive("sends no request for 200 unchanged files, and 200 conditional requests with --sync", () =>
    Effect.gen(function* () {
      const { requests, urls } = yield* server(200)
      const { cwd } = yield* get(urls)
      assert.strictEqual(requests().length, 200)
      const again = yield* get([...urls, "--json"], { cwd })
      assert.deepInclude(reportOf(again.stdout), { saved: 0, skipped: 200 })
      assert.strictEqual(requests().length, 0)
      const sync = yield* get([...urls, "--json", "--sync"], { cwd })
      assert.deepInclude(reportOf(sync.stdout), { saved: 0, notModified: 200 })
      assert.deepStrictEqual(requests().filter(({ isConditional }) => isConditional).length, 200)
      const text = yield* get([...urls, "--sync"], { cwd })
      assert.match(text.stderr, /^0 saved, 200 unchanged; 0 B in /m)
    })
  )

  it.scopedLive("fetches exactly what is missing, truncated or changed on the server", () =>
    Effect.gen(function* () {
      const { files, requests, urls } = yield* server(200)
      const { cwd } = yield* get(urls)
      requests()
      const touched = (from: number, count: number) =>
        Array.from({ length: count }, (_, index) => `f${from + index * 9}`)
      const [deleted, truncated, changed] = [touched(0, 7), touched(70, 7), touched(140, 6)]
      for (const name of deleted) {
        rmSync(`${cwd}/${name}`)
      }
      for (const name of truncated) {
        const { mtime } = statSync(`${cwd}/${name}`)
        truncateSync(`${cwd}/${name}`, 5)
        utimesSync(`${cwd}/${name}`, mtime, mtime)
      }
      for (const name of changed) {
        const file = files.get(`/${name}`)
        files.set(`/${name}`, { text: `${file?.text.toUpperCase()}`, etag: '"changed"' })
      }
      // Without --sync, what has changed on the server is not asked for.
      const update = yield* get([...urls, "--json"], { cwd })
      assert.deepInclude(reportOf(update.stdout), { saved: 14, skipped: 186 })
      assert.sameMembers(
        requests().map(({ path }) => path.slice(1)),
        [...deleted, ...truncated]
      )
      const sync = yield* get([...urls, "--json", "--sync"], { cwd })
      assert.deepInclude(reportOf(sync.stdout), { saved: 6, notModified: 194 })
      assert.strictEqual(requests().length, 200)
      for (const [path, { text }] of files) {
        assert.strictEqual(readFileSync(cwd + path, "utf8"), text)
      }
    })
  )

  it.scopedLive("takes 200 requests for all three at once with --sync", () =>
    Effect.gen(function* () {
      const { files, requests, urls } = yield* server(200)
      const { cwd } = yield* get(urls)
      requests()
      for (let index = 0; index < 20; index++) {
        const name = `f${index * 10}`
        if (index < 7) {
          rmSync(`${cwd}/${name}`)
        } else if (index < 14) {
          truncateSync(`${cwd}/${name}`, 5)
        } else {
          files.set(`/${name}`, { text: "another content\n", etag: '"changed"' })
        }
      }
      const sync = yield* get([...urls, "--json", "--sync"], { cwd })
      assert.deepInclude(reportOf(sync.stdout), { saved: 20, notModified: 180 })
      assert.strictEqual(requests().length, 200)
      for (const [path, { text }] of files) {
        assert.strictEqual(readFileSync(cwd + path, "utf8"), text)
      }
    })
  )

  it.scopedLive("asks for files that no run has recorded, and keeps those of the same size", () =>
    Effect.gen(function* () {
      const { requests, urls } = yield* server(3)
      const { cwd } = yield* get([...urls, "--no-state"])
      assert.deepStrictEqual(readdirSync(cwd).sort(), ["f0", "f1", "f2"])
      writeFileSync(`${cwd}/f1`, "mine")
      requests()
      const again = yield* get([...urls, "--json"], { cwd })
      assert.deepInclude(reportOf(again.stdout), { saved: 1, skipped: 2 })
      assert.strictEqual(requests().length, 3)
      yield* get(urls, { cwd })
      assert.strictEqual(requests().length, 0)
    })
  )

  it.scopedLive("does what a journal has not done, also after its last line was cut", () =>
    Effect.gen(function* () {
      const { files, requests, urls } = yield* server(4)
      files.delete("/f3")
      const first = yield* get([...urls, "--journal", "run.ndjson"])
      assert.strictEqual(first.exitCode, 1)
      assert.isFalse(readdirSync(first.cwd).includes(".halyard.ndjson"))
      requests()
      truncateSync(`${first.cwd}/run.ndjson`, statSync(`${first.cwd}/run.ndjson`).size - 10)
      files.set("/f3", { text: "there now", etag: '"3"' })
      const second = yield* get([...urls, "--journal", "run.ndjson", "--json"], { cwd: first.cwd })
      assert.deepInclude(reportOf(second.stdout), { saved: 1, skipped: 3, failed: 0 })
      assert.includeMembers(
        requests().map(({ path }) => path),
        ["/f3"]
      )
      const third = yield* get([...urls, "--journal", "run.ndjson"], { cwd: first.cwd })
      assert.strictEqual(third.exitCode, 0)
      assert.strictEqual(requests().length, 0)
      const wrong = yield* get([...urls, "--journal", "no/such/run.ndjson"])
      assert.deepStrictEqual([wrong.exitCode, wrong.files], [2, []])
      assert.match(wrong.stderr, /^halyard get: --journal FILE: /m)
    })
  )

  it.scopedLive("does not fetch what has the right checksum, and replaces what has a wrong one", () =>
    Effect.gen(function* () {
      const { files, requests, urls } = yield* server(1)
      const [url = ""] = urls
      const cwd = yield* temporaryDirectory
      const line = [url, "--no-state", "--json", "--checksum", sha256(files.get("/f0")?.text ?? "")]
      writeFileSync(`${cwd}/f0`, "wrong".padEnd(files.get("/f0")?.text.length ?? 0))
      const wrong = yield* get(line, { cwd })
      assert.deepInclude(reportOf(wrong.stdout), { saved: 1 })
      requests()
      const right = yield* get(line, { cwd })
      assert.deepInclude(outcomesOf(right.stdout)[0], { outcome: "Skipped", reason: "verified" })
      assert.strictEqual(requests().length, 0)
    })
  )

  it.scopedLive("tells once of a state file that it cannot use, and goes on", () =>
    Effect.gen(function* () {
      const { urls } = yield* server(20)
      const cwd = yield* temporaryDirectory
      writeFileSync(`${cwd}/other`, "precious")
      symlinkSync(`${cwd}/other`, `${cwd}/.halyard.ndjson`)
      const ended = yield* get(urls, { cwd })
      assert.strictEqual(ended.exitCode, 0)
      assert.strictEqual(ended.stderr.match(/\.halyard\.ndjson: it cannot be/g)?.length, 1)
      assert.strictEqual(readFileSync(`${cwd}/other`, "utf8"), "precious")
    })
  )

  it.scopedLive("sets the time of a file, and refuses --sync beside --on-exists", () =>
    Effect.gen(function* () {
      const { url } = yield* http((_, response) =>
        response.writeHead(200, { "last-modified": "Thu, 01 Jan 2026 00:00:00 GMT" }).end("body")
      )
      const dated = yield* get([`${url}/a`])
      assert.strictEqual(statSync(`${dated.cwd}/a`).mtimeMs, Date.parse("2026-01-01T00:00:00Z"))
      const undated = yield* get([`${url}/a`, "--no-mtime"])
      assert.isAbove(statSync(`${undated.cwd}/a`).mtimeMs, Date.parse("2026-01-02T00:00:00Z"))
      const both = yield* get([`${url}/a`, "--sync", "--on-exists", "skip"])
      assert.deepStrictEqual([both.exitCode, both.files], [2, []])
      assert.include(both.stderr, "--sync and --on-exists contradict each other")
    })
  )

  it.scopedLive("keeps the names of URLs with equal last segments, whether the list is edited or called twice", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const cwd = yield* temporaryDirectory
      const contents = () =>
        filesIn(cwd).map((name) => readFileSync(`${cwd}/${name}`, "utf8").slice("content of ".length))
      const list = (paths: ReadonlyArray<string>) =>
        Effect.map(get([...paths.map((path) => url + path), "--json"], { cwd }), ({ exitCode, stdout }) => {
          assert.strictEqual(exitCode, 0)
          return reportOf(stdout)
        })
      const first = ["/1/x.tar.gz", "/2/x.tar.gz", "/3/x.tar.gz", "/4/x.tar.gz"]
      assert.deepInclude(yield* list(first), { saved: 4 })
      assert.deepInclude(yield* list(first), { saved: 0, skipped: 4 })
      // One is removed from the middle, and another order.
      assert.deepInclude(yield* list(["/4/x.tar.gz", "/1/x.tar.gz", "/3/x.tar.gz"]), { saved: 0, skipped: 3 })
      // New ones at the start and in the middle, and one twice.
      const edited = ["/0/x.tar.gz", "/1/x.tar.gz", "/5/x.tar.gz", "/3/x.tar.gz", "/1/x.tar.gz", "/4/x.tar.gz"]
      assert.deepInclude(yield* list(edited), { saved: 2, skipped: 4 })
      assert.deepInclude(yield* list(edited), { saved: 0, skipped: 6 })
      assert.sameMembers(
        contents(),
        [0, 1, 2, 3, 4, 5].map((index) => `/${index}/x.tar.gz`)
      )
    })
  )

  it.scopedLive("saves two URLs that differ only in their queries, in two runs", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const { cwd } = yield* get([`${url}/x/download?id=1`])
      const second = yield* get([`${url}/x/download?id=2`], { cwd })
      assert.strictEqual(second.stdout, "download-2\n")
      assert.include(second.stderr, "named download-2, because another URL has a file of this name")
      for (const id of [2, 1, 2]) {
        const again = yield* get([`${url}/x/download?id=${id}`], { cwd })
        assert.match(again.stderr, /^0 saved, 1 skipped/m)
      }
      assert.deepStrictEqual(
        filesIn(cwd).map((name) => readFileSync(`${cwd}/${name}`, "utf8")),
        ["content of /x/download?id=1", "content of /x/download?id=2"]
      )
      // The name is free again when its file is gone.
      rmSync(`${cwd}/download`)
      const third = yield* get([`${url}/x/download?id=3`], { cwd })
      assert.strictEqual(third.stdout, "download\n")
      const output = yield* get([`${url}/x/download?id=4`, "-o", "download"], { cwd })
      assert.strictEqual(output.stdout, "download\n")
    })
  )
})
