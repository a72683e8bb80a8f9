/**
 * The rates of `halyard get`, and the headers that are no secrets.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { endOf } from "../../../support/program/eventLines.js"
import { get } from "../../../support/program/get.js"
import { http } from "../../../support/servers/loopback.js"

const urlsOf = (...origins: ReadonlyArray<string>) => origins.flatMap((url) => [1, 2, 3].map((n) => `${url}/${n}`))

describe("a rate of halyard get", () => {
  const body = Buffer.alloc(20_000)
  const origin = Effect.suspend(() => http((_, response) => response.end(body)))

  // A slow machine takes longer, and never less time.
  it.scopedLive("limits the bytes a second, in all and from one origin", () =>
    Effect.gen(function* () {
      const [first, second] = [yield* origin, yield* origin]
      // The first 20 kB come at once, and the last pause delays the end of its file.
      for (const option of ["--limit-rate", "--origin-limit-rate"]) {
        const bytes = option === "--limit-rate" ? 120_000 : 60_000
        const { stdout } = yield* get([...urlsOf(first.url, second.url), "--json", option, "100kB"])
        const { elapsedMillis, report } = endOf(stdout)
        assert.strictEqual(report.saved, 6)
        assert.isAtLeast(elapsedMillis / 1000, (bytes - 20_000) / 100_000, option)
      }
    })
  )

  it.scopedLive("limits the requests in a unit of time, in all and to one origin", () =>
    Effect.gen(function* () {
      const [first, second] = [yield* origin, yield* origin]
      for (const [option, requests] of [
        ["--rate", 6],
        ["--origin-rate", 3]
      ] as const) {
        const { stdout } = yield* get([...urlsOf(first.url, second.url), "--json", option, "300/m"])
        const { elapsedMillis, report } = endOf(stdout)
        assert.strictEqual(report.saved, 6)
        assert.isAtLeast(elapsedMillis / 1000, (requests - 1) * 0.2, option)
      }
    })
  )
})

describe("User-Agent and Referer of halyard get", () => {
  it.scopedLive("go to each URL, and only User-Agent goes to another origin after a redirect", () =>
    Effect.gen(function* () {
      const seen: Array<unknown> = []
      const record = (name: string) =>
        http(({ headers, url }, response) => {
          seen.push([name + url, headers["user-agent"], headers.referer])
          response.end()
        })
      const [first, other] = [yield* record("first"), yield* record("other")]
      const moved = yield* http((_, response) => response.writeHead(302, { location: `${other.url}/moved` }).end())
      const common = ["-A", "agent/1", "-e", "https://example.com/page", "-c1"]
      const { exitCode, stderr } = yield* get([`${first.url}/a`, `${other.url}/b`, `${moved.url}/c`, ...common])
      assert.strictEqual(exitCode, 0, stderr)
      assert.deepStrictEqual(seen, [
        ["first/a", "agent/1", "https://example.com/page"],
        ["other/b", "agent/1", "https://example.com/page"],
        ["other/moved", "agent/1", undefined]
      ])
    })
  )
})
