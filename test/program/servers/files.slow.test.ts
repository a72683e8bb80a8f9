/**
 * `halyard get` and the files of nginx, Apache, lighttpd and Caddy: names, contents, times, and what a second run requests.
 */
import { createHash } from "node:crypto"
import { readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { gzipSync } from "node:zlib"
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { reportOf } from "../../support/program/eventLines.js"
import { get } from "../../support/program/get.js"
import { temporaryDirectory } from "../../support/program/program.js"
import { withPrograms } from "../../support/servers/programs.js"
import { relay } from "../../support/servers/relay.js"
import { longAgo, site, webServers } from "../../support/servers/webServers.js"

/** The path and query of a URL, the file on the server, and the file that is saved. */
const files: ReadonlyArray<readonly [url: string, served: string, saved: string]> = [
  ["plain.txt", "plain.txt", "plain.txt"],
  ["empty.txt", "empty.txt", "empty.txt"],
  ["a%20b.txt", "a b.txt", "a b.txt"],
  ["%C3%BCn%C3%AF.txt", "ünï.txt", "ünï.txt"],
  ["日本.txt", "日本.txt", "日本.txt"],
  ["100%25.txt", "100%.txt", "100%.txt"],
  ["twice%2520.txt", "twice%20.txt", "twice%20.txt"],
  ["plus+and&.txt", "plus+and&.txt", "plus+and&.txt"],
  ["hash%23.txt", "hash#.txt", "hash#.txt"],
  ["semi;colon,.txt", "semi;colon,.txt", "semi;colon,.txt"],
  ["(a)'!~.txt", "(a)'!~.txt", "(a)'!~.txt"],
  ["archive.tar.gz", "archive.tar.gz", "archive.tar.gz"],
  ["query.txt?version=1&a=%2F", "query.txt", "query.txt"],
  ["a/../b/./dots.txt", "b/dots.txt", "dots.txt"]
]

const contentOf = (path: string): Buffer => {
  const text = Buffer.from(path === "empty.txt" ? "" : `content of ${path}\n`.repeat(1000))
  return path.endsWith(".gz") ? gzipSync(text) : text
}

const changed = new Date(longAgo.getTime() + 3_600_000)

describe("halyard get, from the servers of Debian", () => {
  for (const { compresses, name, start } of webServers) {
    withPrograms([name], `${name}: a browser's file that is whole or too long, of which the server has no rest`, () =>
      Effect.gen(function* () {
        const place = yield* site
        const content = contentOf("plain.txt".repeat(10))
        place.write("files/long.txt", content)
        const server = yield* start(place)
        const { takeHeads, url } = yield* relay(server.port)
        for (const left of [content, Buffer.concat([content, content])]) {
          const cwd = yield* temporaryDirectory
          writeFileSync(join(cwd, "long.txt.part"), left)
          const checksum = `sha256:${createHash("sha256").update(content).digest("hex")}`
          const ended = yield* get([`${url}/files/long.txt`, "--continue", "--checksum", checksum], { cwd })
          assert.strictEqual(ended.exitCode, 0, ended.stderr)
          assert.strictEqual(ended.read("long.txt"), `${content}`)
          // 416 is the answer to the request for the rest.
          assert.strictEqual(takeHeads().length, left === content ? 1 : 2, ended.stderr)
        }
      })
    )

    withPrograms(
      [name],
      `${name}: names, contents and times of files, not compressed, and exactly what has changed later`,
      () =>
        Effect.gen(function* () {
          const place = yield* site
          for (const [, served] of files) {
            place.write(`files/${served}`, contentOf(served))
          }
          const server = yield* start(place)
          if (compresses) {
            const other = yield* Effect.promise(() => fetch(`${server.url}/files/plain.txt`))
            assert.match(other.headers.get("content-encoding") ?? "", /gzip|zstd/)
            yield* Effect.promise(() => other.arrayBuffer())
          }
          const { takeHeads, url } = yield* relay(server.port)
          const urls = files.map(([path]) => `${url}/files/${path}`)
          const line = [...urls, "--json", "--durability", "rename"]
          const first = yield* get(line)
          assert.strictEqual(first.exitCode, 0, first.stdout + first.stderr)
          const { cwd } = first
          const same = () => {
            for (const [path, served, saved] of files) {
              const expected = readFileSync(join(place.root, "files", served))
              assert.isTrue(expected.equals(readFileSync(join(cwd, saved))), path)
              assert.strictEqual(
                statSync(join(cwd, saved)).mtimeMs,
                statSync(join(place.root, "files", served)).mtimeMs,
                path
              )
            }
          }
          assert.strictEqual(takeHeads().length, files.length)
          same()

          const again = yield* get(line, { cwd })
          assert.deepInclude(reportOf(again.stdout), { saved: 0, skipped: files.length })
          assert.deepStrictEqual(takeHeads(), [])

          const sync = yield* get([...line, "--sync"], { cwd })
          assert.deepInclude(reportOf(sync.stdout), { saved: 0, notModified: files.length })
          const heads = takeHeads()
          assert.strictEqual(heads.length, files.length)
          for (const head of heads) {
            assert.match(head, /^if-none-match: /im)
          }

          // The same size, and a new time on the server.
          place.write("files/plain.txt", `${contentOf("plain.txt")}`.toUpperCase(), changed)
          rmSync(join(cwd, "a b.txt"))
          truncateSync(join(cwd, "ünï.txt"), 100)
          const mended = yield* get(line, { cwd })
          assert.deepInclude(reportOf(mended.stdout), { saved: 2, skipped: files.length - 2 })
          assert.strictEqual(takeHeads().length, 2)
          const updated = yield* get([...line, "--sync"], { cwd })
          assert.deepInclude(reportOf(updated.stdout), { saved: 1, notModified: files.length - 1 })
          assert.strictEqual(takeHeads().length, files.length)
          same()
        })
    )
  }
})
