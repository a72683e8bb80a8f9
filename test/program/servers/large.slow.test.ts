/**
 * `halyard get` and large files of nginx, Apache, lighttpd and Caddy: runs that a signal ends, changed versions, and segments.
 */
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { until } from "../../support/poll.js"
import { get } from "../../support/program/get.js"
import { randomBytes, sha256 } from "../../support/program/killedRuns.js"
import { filesIn, halyard, temporaryDirectory } from "../../support/program/program.js"
import { withPrograms } from "../../support/servers/programs.js"
import { type Relay, relay } from "../../support/servers/relay.js"
import { longAgo, site, webServers } from "../../support/servers/webServers.js"

const mebibyte = 1024 * 1024

const content = randomBytes(8 * mebibyte)

const other = Uint8Array.from(content, (byte) => byte ^ 1)

/** The received ranges in the newest record of a kept part. */
const recorded = (cwd: string): ReadonlyArray<readonly [number, number]> => {
  const texts = recordIn(cwd).matchAll(/\\"ranges\\":(\[[\d,[\]]*\])/g)
  const records = Array.from(texts, ([, ranges]) => JSON.parse(ranges ?? "[]"))
  return records.sort((one, two) => sizeOf(two) - sizeOf(one))[0] ?? []
}

const recordIn = (cwd: string): string => {
  try {
    return readFileSync(join(cwd, readdirSync(cwd).find((file) => file.endsWith(".record")) ?? ""), "utf8")
  } catch {
    return "there is none"
  }
}

const sizeOf = (ranges: ReadonlyArray<readonly [number, number]>): number =>
  ranges.reduce((sum, [start, end]) => sum + end - start, 0)

/**
 * Ends a run by a signal when the record of its part has 2 MiB, in at least this number of ranges. The server becomes slow after 6 MiB,
 * so the record comes before the end.
 */
const interrupted = Effect.fnUntraced(function* (
  { release, slowAfter, takeBytes, takeHeads }: Relay,
  parameters: ReadonlyArray<string>,
  signal: NodeJS.Signals,
  rangesAtLeast = 1
) {
  const cwd = yield* temporaryDirectory
  slowAfter(6 * mebibyte)
  const running = yield* halyard(["get", ...parameters], { cwd })
  yield* until(
    "record of 2 MiB",
    () => {
      const ranges = recorded(cwd)
      return running.hasEnded() || (sizeOf(ranges) >= 2 * mebibyte && ranges.length >= rangesAtLeast) || undefined
    },
    () => `${JSON.stringify(recorded(cwd))} ${running.stderr()}`
  )
  process.kill(running.pid, signal)
  const ended = yield* running.ended
  assert.isTrue(ended.exitCode === null || ended.exitCode === 130, ended.stderr)
  release()
  takeBytes()
  return { cwd, heads: takeHeads() }
})

const saved = (cwd: string, expected: Uint8Array): void => {
  assert.strictEqual(sha256(readFileSync(join(cwd, "large.bin"))), sha256(expected))
  assert.deepStrictEqual(filesIn(cwd), ["large.bin"])
}

const setUp = (start: (typeof webServers)[number]["start"], bytesPerSecond?: number) =>
  Effect.gen(function* () {
    const place = yield* site
    place.write("files/large.bin", content)
    const server = yield* start(place)
    const between = yield* relay(server.port, { bytesPerSecond })
    return { between, place, url: `${between.url}/files/large.bin` }
  })

describe("halyard get, from the servers of Debian", () => {
  for (const { name, start } of webServers) {
    withPrograms([name], `${name}: a file continues after SIGINT and SIGKILL, and a changed one starts over`, () =>
      Effect.gen(function* () {
        const { between, place, url } = yield* setUp(start)
        const line = [url, "--segments", "1"]
        for (const signal of ["SIGINT", "SIGKILL"] as const) {
          const { cwd } = yield* interrupted(between, line, signal)
          const ended = yield* get(line, { cwd })
          assert.strictEqual(ended.exitCode, 0, ended.stderr)
          assert.isBelow(between.takeBytes(), 6.1 * mebibyte)
          const heads = between.takeHeads()
          assert.strictEqual(heads.length, 1)
          assert.match(heads.join(""), /^if-range: "/im)
          saved(cwd, content)
        }
        const { cwd } = yield* interrupted(between, line, "SIGKILL")
        // The same size, another time and another content.
        place.write("files/large.bin", other, new Date(longAgo.getTime() + 3_600_000))
        const ended = yield* get(line, { cwd })
        assert.strictEqual(ended.exitCode, 0, ended.stderr)
        assert.isAtLeast(between.takeBytes(), content.length)
        assert.match(between.takeHeads()[0] ?? "", /^if-range: "/im)
        saved(cwd, other)
      })
    )

    withPrograms([name], `${name}: a large file comes in segments, which continue after SIGKILL`, () =>
      Effect.gen(function* () {
        const { between, url } = yield* setUp(start, 2 * mebibyte)
        const { cwd, heads } = yield* interrupted(between, [url], "SIGKILL", 2)
        assert.isAtLeast(heads.length, 2)
        const kept = recorded(cwd)
        assert.isAtLeast(sizeOf(kept), 2 * mebibyte)
        const ended = yield* get([url], { cwd })
        assert.strictEqual(ended.exitCode, 0, ended.stderr)
        // At least 2 MiB were recorded. Segments that are divided while they are received leave bytes in the buffers of their connections.
        assert.isBelow(between.takeBytes(), 7 * mebibyte)
        const starts = between.takeHeads().map((head) => Number(/^range: bytes=(\d+)-/im.exec(head)?.[1] ?? 0))
        assert.isAbove(starts.length, 0)
        for (const [from, to] of kept) {
          assert.deepStrictEqual(
            starts.filter((start) => start >= from && start < to),
            []
          )
        }
        saved(cwd, content)
      })
    )
  }
})
