/**
 * Files keep their names over runs: with names of servers, of hosts, of templates, and in the directories of a list.
 */
import { readdirSync, rmSync, writeFileSync } from "node:fs"
import { relative } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { get } from "../../../support/program/get.js"
import { temporaryDirectory } from "../../../support/program/program.js"
import { http } from "../../../support/servers/loopback.js"

/** Serves each URL as its own content, under the name in the query `as`, and records the URLs. */
const server = Effect.gen(function* () {
  const requested: Array<string> = []
  const origin = yield* http((request, response) => {
    const url = request.url ?? ""
    requested.push(url)
    const name = new URL(url, "http://origin").searchParams.get("as")
    if (name !== null) {
      response.setHeader("content-disposition", `attachment; filename="${name}"`)
    }
    response.setHeader("etag", `"${url}"`)
    if (request.headers["if-none-match"] === `"${url}"`) {
      response.writeHead(304).end()
    } else {
      response.end(url)
    }
  })
  return { ...origin, requested: () => requested.splice(0).sort() }
})

/** The saved files below a directory, without state files. */
const saved = (directory: string): ReadonlyArray<string> =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.startsWith("."))
    .map(({ name, parentPath }) => relative(directory, `${parentPath}/${name}`))

describe("a second run of halyard get -J", () => {
  it.scopedLive("sends no request for files that the server has named, and keeps their names in another order", () =>
    Effect.gen(function* () {
      const { requested, url } = yield* server
      const [one, two, plain] = [`${url}/d?id=1&as=a.txt`, `${url}/d?id=2&as=a.txt`, `${url}/plain.txt`]
      const { cwd } = yield* get(["-J", "-c1", one, two, plain])
      requested()
      const again = yield* get(["-J", "-c1", plain, two, one], { cwd })
      assert.deepStrictEqual([again.exitCode, requested()], [0, []])
      assert.deepStrictEqual(["a.txt", "a-2.txt", "plain.txt"].map(again.read), [
        "/d?id=1&as=a.txt",
        "/d?id=2&as=a.txt",
        "/plain.txt"
      ])
      assert.deepStrictEqual(again.files, ["a-2.txt", "a.txt", "plain.txt"])
    })
  )

  it.scopedLive("gives a new URL another name than the file of an earlier URL", () =>
    Effect.gen(function* () {
      const { requested, url } = yield* server
      const [one, two] = [`${url}/d?id=1&as=a.txt`, `${url}/d?id=2&as=a.txt`]
      const { cwd } = yield* get(["-J", one])
      requested()
      for (const expected of [["/d?id=2&as=a.txt"], []]) {
        const again = yield* get(["-J", "-c1", two, one], { cwd })
        assert.deepStrictEqual(requested(), expected)
        assert.deepStrictEqual(["a.txt", "a-2.txt"].map(again.read), ["/d?id=1&as=a.txt", "/d?id=2&as=a.txt"])
        assert.deepStrictEqual(again.files, ["a-2.txt", "a.txt"])
      }
    })
  )

  it.scopedLive("keeps the names with --sync, and asks the server for the name of a file that is gone", () =>
    Effect.gen(function* () {
      const { requested, url } = yield* server
      const one = `${url}/d?id=1&as=a.txt`
      const { cwd } = yield* get(["-J", one])
      const sync = yield* get(["-J", "--sync", "--json", one], { cwd })
      assert.include(sync.stdout, '"outcome":"NotModified"')
      requested()
      yield* get(["-J", one], { cwd })
      assert.deepStrictEqual(requested(), [])
      const dry = yield* get(["-J", "--dry-run", one], { cwd })
      assert.match(dry.stdout, /^a\.txt: would be skipped, because it is unchanged since it was saved/)
      rmSync(`${cwd}/a.txt`)
      const again = yield* get(["-J", one], { cwd })
      assert.deepStrictEqual([again.files, requested()], [["a.txt"], ["/d?id=1&as=a.txt"]])
    })
  )

  it.scopedLive("names a file that an earlier run has named by its URL, once", () =>
    Effect.gen(function* () {
      const { requested, url } = yield* server
      const [one, plain] = [`${url}/d?id=1&as=a.txt`, `${url}/plain.txt`]
      const { cwd } = yield* get([one, plain])
      for (const expected of [["/d?id=1&as=a.txt", "/plain.txt"], []]) {
        requested()
        const { files } = yield* get(["-J", one, plain], { cwd })
        assert.deepStrictEqual([files, requested()], [["a.txt", "d", "plain.txt"], expected])
      }
    })
  )
})

describe("a list that is edited in its middle and called twice", () => {
  const edited = (options: ReadonlyArray<string>, lines: (url: string) => readonly [string, string, string]) =>
    Effect.gen(function* () {
      const { requested, url } = yield* server
      const cwd = yield* temporaryDirectory
      const write = (...urls: ReadonlyArray<string>) => writeFileSync(`${cwd}/list`, `${urls.join("\n")}\n`)
      const [one, two, three] = lines(url)
      write(one, three)
      const first = yield* get(["-i", "list", "-d", "out", "-c1", ...options], { cwd })
      assert.strictEqual(first.exitCode, 0, first.stderr)
      const contents = (names: ReadonlyArray<string>) => names.map((name) => [name, first.read(name)] as const)
      const before = contents(saved(cwd).filter((name) => name !== "list"))
      assert.strictEqual(before.length, 2)
      const all: Array<string> = []
      for (let call = 0; call < 2; call++) {
        requested()
        write(one, two, three)
        const again = yield* get(["-i", "list", "-d", "out", "-c1", ...options], { cwd })
        assert.strictEqual(again.exitCode, 0, again.stderr)
        all.push(...requested())
        const names = saved(cwd).filter((name) => name !== "list")
        assert.strictEqual(names.length, 3, names.join())
        assert.includeDeepMembers(contents(names), before)
        assert.strictEqual(new Set(names.map(first.read)).size, 3)
      }
      // The second URL, once.
      assert.strictEqual(all.length, 1)
    })

  it.scopedLive("keeps every file with -x", () =>
    edited(["-x"], (url) => [`${url}/s/d?id=1`, `${url}/s/d?id=2`, `${url}/s/d?id=3`])
  )

  it.scopedLive("keeps every file with --name", () =>
    edited(["--name", "sub/{name}"], (url) => [`${url}/1/d`, `${url}/2/d`, `${url}/3/d`])
  )

  it.scopedLive("keeps every file with a template that has the position", () =>
    edited(["--name", "{index:03}-{name}"], (url) => [`${url}/1/d`, `${url}/2/d`, `${url}/3/d`])
  )

  it.scopedLive("keeps every file in the directories of the list", () =>
    edited([], (url) => [`${url}/1/d\n dir=sub`, `${url}/2/d\n dir=sub`, `${url}/3/d\n dir=sub`])
  )

  it.scopedLive("keeps every file under the names of the list", () =>
    edited([], (url) => [`${url}/1\n out=sub/d`, `${url}/2\n out=sub/d`, `${url}/3\n out=sub/d`])
  )

  it.scopedLive("keeps every file under the names of the server", () =>
    edited(["-J"], (url) => [`${url}/1?as=d`, `${url}/2?as=d`, `${url}/3?as=d`])
  )
})
