/**
 * A reader that has seen enough: `halyard … | head -1`.
 */
import { existsSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { origin } from "../../support/program/get.js"
import { filesIn, halyard, notWhole, runBash, temporaryDirectory } from "../../support/program/program.js"

describe("a pipe whose reader leaves", () => {
  it.scopedLive("ends flags without a message, and leaves only whole files, in every engine", () =>
    Effect.gen(function* () {
      const ended = yield* Effect.forEach(
        ["sequential", "threads", "fibers"],
        (engine) =>
          Effect.gen(function* () {
            const directory = yield* temporaryDirectory
            const { stderr, stdout } = yield* runBash(
              `halyard flags -ev --engine ${engine} -d "${directory}" | head -1; echo "\${PIPESTATUS[@]}"`
            )
            assert.match(stdout, /^LOCAL site: http:\/\/127\.0\.0\.1:\d+\n141 0\n$/, engine)
            assert.strictEqual(stderr, "downloading flags: 0/676\n", engine)
            assert.deepStrictEqual(notWhole(directory), [], engine)
            return filesIn(directory).length
          }),
        { concurrency: 3 }
      )
      // 243 lines would mean that the program did not notice the closed pipe.
      assert.isBelow(Math.max(...ended), 243)
    })
  )

  it.live("ends help and completions without a message", () =>
    Effect.forEach(
      ["flags --help", "--completions bash", "--help"],
      (line) =>
        Effect.map(runBash(`halyard ${line} | head -1 | wc -l; echo "\${PIPESTATUS[0]}"`), ({ stderr, stdout }) => {
          assert.match(stdout, /^ *1\n(?:0|141)\n$/, line)
          assert.strictEqual(stderr, "", line)
        }),
      { concurrency: 3 }
    )
  )

  it.scopedLive("ends spin before its answer", () =>
    Effect.gen(function* () {
      const { stderr, stdout } = yield* runBash(`halyard spin | true; echo "\${PIPESTATUS[0]}"`)
      assert.match(stdout, /^(?:0|141)\n$/)
      assert.strictEqual(stderr, "thinking!\n")
    })
  )

  it.scopedLive("stops a server at the first line without a reader", () =>
    Effect.gen(function* () {
      const server = yield* halyard(["serve", "0"])
      yield* server.awaitOutput(/Serving flags at http\S+/)
      const url = /http\S+/.exec(server.stdout())?.[0] ?? ""
      yield* server.closeStdout
      const get = Effect.promise(() =>
        fetch(`${url}/br/br.gif`)
          .then((response) => response.arrayBuffer())
          .catch(() => undefined)
      )
      yield* Effect.zipRight(get, get)
      const { exitCode, stderr } = yield* server.ended
      assert.deepStrictEqual([exitCode, stderr], [141, ""])
    })
  )

  it.scopedLive("ends flags without a message if errors go to the same pipe", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const { stderr, stdout } = yield* runBash(
        `halyard flags -ev -d "${directory}" 2>&1 | head -1; echo "\${PIPESTATUS[@]}"`
      )
      assert.match(stdout, /^(?:LOCAL site: \S+|downloading flags: 0\/676)\n141 0\n$/)
      assert.strictEqual(stderr, "")
      assert.deepStrictEqual(notWhole(directory), [])
    })
  )

  it.scopedLive("ends get without a message", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const cwd = yield* temporaryDirectory
      const ended = yield* runBash(`for i in $(seq 200); do echo ${url}/$i; done | halyard get -i - | head -1`, { cwd })
      assert.notMatch(ended.stderr, /Error|EPIPE|at /)
    })
  )
})

describe("standard output and standard error", () => {
  it.scopedLive("are in order in one file, and complete for a slow reader", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const cwd = yield* temporaryDirectory
      const list = `for i in $(seq 200); do echo ${url}/$i; done | halyard get -i - -c 32`
      const { stdout } = yield* runBash(`${list} 2>&1`, { cwd })
      const lines = stdout.trimEnd().split("\n")
      assert.strictEqual(lines[0], "downloading")
      assert.match(lines.at(-1) ?? "", /^200 saved; /)
      assert.strictEqual(new Set(lines).size, 202)
      const slow = yield* runBash(`${list} --on-exists overwrite | (sleep 1; cat)`, { cwd })
      assert.sameMembers(slow.stdout.trimEnd().split("\n"), lines.slice(1, -1))
    })
  )
})

describe("a standard input that is a directory", () => {
  it.scopedLive("is an error, and not an empty list", () =>
    Effect.gen(function* () {
      const cwd = yield* temporaryDirectory
      const { exitCode, stderr } = yield* runBash("halyard get -i - < .", { cwd })
      assert.isAbove(exitCode ?? 0, 0)
      assert.include(stderr, "it is a directory")
    })
  )
})

describe("an output on a full disk", () => {
  it.scopedLive("is an error", (context) =>
    Effect.gen(function* () {
      if (!existsSync("/dev/full")) {
        return yield* Effect.sync(() => context.skip("there is no /dev/full here"))
      }
      const cwd = yield* temporaryDirectory
      const ended = yield* Effect.forEach(
        ["flags -l3", "--help", "--version"],
        (line) => runBash(`halyard ${line} > /dev/full`, { cwd }),
        {
          concurrency: 3
        }
      )
      for (const { exitCode, stderr } of ended) {
        assert.strictEqual(exitCode, 1)
        assert.match(stderr, /^(?:downloading flags: 0\/3\n)?halyard[^\n]*: [^\n]+\n$/)
      }
      assert.deepStrictEqual(notWhole(`${cwd}/downloads`), [])
    })
  )
})
