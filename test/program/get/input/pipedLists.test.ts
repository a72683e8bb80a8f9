/**
 * Lists that are no regular files: named pipes, `<(command)`, /dev/stdin, and how a run ends that waits for one.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import {
  filesIn,
  halyard,
  isAlive,
  run,
  runBash,
  runCommand,
  start,
  temporaryDirectory
} from "../../../support/program/program.js"
import { http } from "../../../support/servers/loopback.js"

const origin = Effect.suspend(() => http((request, response) => response.end(`content of ${request.url}`)))

const pipe = Effect.gen(function* () {
  const cwd = yield* temporaryDirectory
  yield* runCommand("mkfifo", [`${cwd}/list`])
  return cwd
})

describe("a list that is a pipe", () => {
  for (const [signal, exitCode] of [
    ["SIGINT", 130],
    ["SIGTERM", 143]
  ] as const) {
    it.scopedLive(`is closed at once if it has no writer: ${signal}`, () =>
      Effect.gen(function* () {
        const { url } = yield* origin
        const cwd = yield* pipe
        const running = yield* halyard(["get", `${url}/a`, "-i", "list"], { cwd })
        yield* running.awaitOutput(/^a$/m)
        yield* running.signal(signal)
        const ended = yield* running.ended
        assert.strictEqual(ended.exitCode, exitCode)
        assert.match(ended.stderr, /^1 saved; /m)
        assert.isFalse(isAlive(running.pid))
        assert.deepStrictEqual(filesIn(cwd), ["a", "list"])
      })
    )

    it.scopedLive(`with a silent writer ends at once on ${signal}`, () =>
      Effect.gen(function* () {
        const { url } = yield* origin
        const cwd = yield* pipe
        yield* start("bash", ["-c", `exec > list; echo ${url}/a; printf '${url}/b'; exec sleep 60`], { cwd })
        const running = yield* halyard(["get", "-i", "list"], { cwd })
        yield* running.awaitOutput(/^a$/m)
        yield* running.signal(signal)
        assert.strictEqual((yield* running.ended).exitCode, exitCode)
        assert.deepStrictEqual(filesIn(cwd), ["a", "list"])
      })
    )
  }

  it.scopedLive("is read to its end, in pieces or at once", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const cwd = yield* pipe
      const running = yield* halyard(["get", "-i", "list"], { cwd })
      yield* Effect.sleep("500 millis")
      yield* runBash(`{ echo ${url}/a; sleep 0.2; echo ${url}/b; } > list`, { cwd })
      assert.strictEqual((yield* running.ended).exitCode, 0)
      const many = yield* runBash(
        `halyard get -i <(seq -f ${url}/many%g 3000) --durability rename -d many | wc -l; halyard get -i /dev/fd/3 -d fd 3< <(echo ${url}/c)`,
        { cwd }
      )
      assert.match(many.stdout, /^ *3000\n/)
      assert.deepStrictEqual([filesIn(`${cwd}/many`).length, filesIn(`${cwd}/fd`)], [3000, ["c"]])
      assert.deepStrictEqual(filesIn(cwd), ["a", "b", "fd", "list", "many"])
    })
  )

  it.scopedLive("may be /dev/stdin, /proc/self/fd/0 or another device", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const cwd = yield* temporaryDirectory
      // Standard input is a socket here.
      const running = yield* halyard(["get", "-i", "/dev/stdin"], { cwd, stdin: "open" })
      yield* running.type(`${url}/a\n`)
      yield* running.awaitOutput(/^a$/m)
      yield* running.signal("SIGTERM")
      assert.strictEqual((yield* running.ended).exitCode, 143)
      const shell = yield* runBash(
        `echo ${url}/b | halyard get -i /dev/stdin; halyard get -i /dev/stdin <<< ${url}/c`,
        {
          cwd
        }
      )
      assert.strictEqual(shell.exitCode, 0)
      assert.deepStrictEqual(filesIn(cwd), ["a", "b", "c"])
      const nothing = yield* run(["get", "-i", "/dev/null"], { cwd })
      assert.deepStrictEqual([nothing.exitCode, nothing.stdout], [0, ""])
    })
  )

  it.scopedLive("that cannot be read is an error like a file's", () =>
    Effect.gen(function* () {
      const cwd = yield* temporaryDirectory
      const { connections, url } = yield* http((_, response) => response.end())
      for (const [line, label] of [
        ["-i none", "none: there is no such file"],
        ["-i .", ".: it is a directory"],
        ["-i - < .", "-: it is a directory"],
        ["-i /dev/stdin < .", "/dev/stdin: it is a directory"]
      ] as const) {
        const { exitCode, stderr } = yield* runBash(`halyard get ${url}/a ${line}`, { cwd })
        assert.deepStrictEqual([exitCode, stderr], [2, `halyard get: --input ${label}\n`], line)
      }
      assert.deepStrictEqual([connections(), filesIn(cwd)], [0, []])
    })
  )
})
