/**
 * `halyard get` with few file descriptors: connections and files share them, and every file is saved.
 */
import { readFileSync, writeFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { filesIn, runBash, temporaryDirectory } from "../../../support/program/program.js"
import { http } from "../../../support/servers/loopback.js"

const contentOf = (url: string | undefined, bytes: number) => Buffer.alloc(bytes, url)

const origin = (bytes: number) =>
  http((request, response) => {
    const content = contentOf(request.url, bytes)
    response.writeHead(200, { "content-length": content.length, etag: '"1"' })
    response.end(content)
  })

describe("halyard get with few descriptors", () => {
  for (const { bytes, descriptors, files, more, parallel } of [
    { descriptors: 64, parallel: 50, files: 250, bytes: 2000, more: "" },
    { descriptors: 32, parallel: 200, files: 250, bytes: 2000, more: "" },
    { descriptors: 32, parallel: 200, files: 250, bytes: 2000, more: "--durability rename" },
    { descriptors: 64, parallel: 50, files: 60, bytes: 1_000_000, more: "" }
  ]) {
    it.scopedLive(`saves ${files} files of ${bytes} bytes, ${parallel} at a time, with ${descriptors} ${more}`, () =>
      Effect.gen(function* () {
        const { url } = yield* origin(bytes)
        const cwd = yield* temporaryDirectory
        writeFileSync(`${cwd}/list`, Array.from({ length: files }, (_, index) => `${url}/${index}\n`).join(""))
        const { exitCode, stderr } = yield* runBash(
          `ulimit -n ${descriptors}; halyard get -d out -i list -c ${parallel} --per-origin ${parallel} ${more}`,
          { cwd }
        )
        assert.strictEqual(exitCode, 0, stderr)
        assert.match(stderr, /^\d+ transfers at a time: the limit for open files \(ulimit -n\) is too low for \d+$/m)
        const names = filesIn(`${cwd}/out`)
        assert.strictEqual(names.length, files)
        for (const name of names) {
          assert.isTrue(readFileSync(`${cwd}/out/${name}`).equals(contentOf(`/${name}`, bytes)), name)
        }
      })
    )
  }

  it.scopedLive("has one transfer at a time if there is room for one connection only", () =>
    Effect.gen(function* () {
      const { url } = yield* origin(2000)
      const cwd = yield* temporaryDirectory
      const { exitCode, stderr } = yield* runBash(`ulimit -n 26; halyard get ${url}/1 ${url}/2 -d out -c 9`, { cwd })
      assert.strictEqual(exitCode, 0, stderr)
      assert.match(stderr, /^1 transfer at a time: the limit for open files \(ulimit -n\) is too low for 9$/m)
    })
  )

  it.scopedLive("saves files of more origins than it can have connections", () =>
    Effect.gen(function* () {
      const origins = yield* Effect.forEach(Array(40), () => origin(2000))
      const cwd = yield* temporaryDirectory
      const urls = [1, 2, 3].flatMap((turn) => origins.map(({ port, url }) => `${url}/${port}-${turn}\n`))
      writeFileSync(`${cwd}/list`, urls.join(""))
      const { exitCode, stderr } = yield* runBash("ulimit -n 40; halyard get -d out -i list -c 100", { cwd })
      assert.strictEqual(exitCode, 0, stderr)
      assert.strictEqual(filesIn(`${cwd}/out`).length, 120)
    })
  )
})
