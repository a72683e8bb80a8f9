/**
 * What a run costs that is killed with SIGKILL many times: the files are right, and little is sent twice.
 *
 * `KILLS=100 MEBIBYTES=500 npx vitest run test/program/resume/killed.slow.test.ts` takes larger numbers, and prints the figures.
 */
import { chmodSync, readFileSync, utimesSync, writeFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { drawing } from "../../support/drawing.js"
import { killed, metered, randomBytes, serving, sha256, Traffic } from "../../support/program/killedRuns.js"
import { filesIn, temporaryDirectory } from "../../support/program/program.js"
import { http } from "../../support/servers/loopback.js"
import { apache2, caddy, isInstalled, lighttpd, nginx } from "../../support/servers/programs.js"

const kibibyte = 1024
const mebibyte = 1024 * kibibyte

const numberOf = (name: string, usual: number): number => Number(process.env[name] ?? usual)

const kills = numberOf("KILLS", 20)
const killsOfMany = numberOf("KILLS", 50)
const largeBytes = numberOf("MEBIBYTES", 128) * mebibyte
const isByHand = process.env["KILLS"] !== undefined || process.env["MEBIBYTES"] !== undefined

const tell = (line: string): void => {
  if (isByHand) {
    process.stderr.write(`${line}\n`)
  }
}

const servers = [
  { name: "nginx", start: nginx },
  { name: "apache2", start: apache2 },
  { name: "lighttpd", start: lighttpd },
  { name: "caddy", start: caddy }
] as const

const missing = servers.filter(({ name }) => !isInstalled(name)).map(({ name }) => name)
const instead = missing.length === 0 ? "" : ` (a server of Node for ${missing.join(" and ")}, which is not installed)`

// Apache gives a strong entity tag to a file that has not changed for a moment.
const modifiedSeconds = 1_700_000_000

describe("halyard get, killed at random moments and run again", () => {
  it.scopedLive(
    `saves 2,000 files of nginx, Apache, lighttpd and Caddy, and receives at most 1.2 times their size${instead}`,
    () =>
      Effect.gen(function* () {
        const draw = drawing(1)
        const pool = randomBytes(8 * mebibyte)
        const traffic = new Traffic("bytes")
        const expected = new Map<string, string>()
        const urls: Array<string> = []
        let contentBytes = 0
        const sites = yield* Effect.forEach(servers, ({ name, start }) =>
          Effect.gen(function* () {
            const root = yield* temporaryDirectory
            // A server that starts as root may read as another user.
            chmodSync(root, 0o755)
            const files = new Map<string, Uint8Array>()
            const uncounted = new Traffic("requests")
            const server = isInstalled(name) ? yield* start({ root }) : yield* http(serving(uncounted, files))
            return { root, files, url: (yield* metered(traffic, server.port)).url }
          })
        )
        for (let index = 0; index < 2000; index++) {
          // One of 50 is large.
          const sizeBytes = Math.floor(index % 50 === 0 ? mebibyte * (1 + draw()) : kibibyte * (1 + 40 * draw()))
          const start = Math.floor(draw() * (pool.length - sizeBytes))
          const content = pool.subarray(start, start + sizeBytes)
          const name = `file-${index}.bin`
          // The large ones are not all of one server.
          const site = sites[(index + Math.floor(index / 50)) % sites.length]
          assert.isDefined(site)
          site.files.set(`/${name}`, content)
          writeFileSync(`${site.root}/${name}`, content)
          utimesSync(`${site.root}/${name}`, modifiedSeconds, modifiedSeconds)
          urls.push(`${site.url}/${name}`)
          expected.set(name, sha256(content))
          contentBytes += sizeBytes
        }
        const cwd = yield* temporaryDirectory
        const list = yield* temporaryDirectory
        writeFileSync(`${list}/urls.txt`, urls.join("\n"))
        const moments = Array.from({ length: killsOfMany }, () => (1.6 * draw() * contentBytes) / killsOfMany)
        const count = yield* killed(["get", "-i", `${list}/urls.txt`], cwd, traffic, moments)
        const factor = traffic.sentBytes / contentBytes
        tell(`${count} kills, ${traffic.sentBytes} bytes: ${factor.toFixed(3)} times`)
        assert.strictEqual(count, killsOfMany)
        for (const [name, digest] of expected) {
          assert.strictEqual(sha256(readFileSync(`${cwd}/${name}`)), digest, name)
        }
        assert.isAtMost(factor, 1.2)
      }),
    300_000
  )

  it.scopedLive(
    "saves a large file whose server cuts every connection, and receives at most 1.1 times its size",
    () =>
      Effect.gen(function* () {
        const draw = drawing(2)
        const content = randomBytes(largeBytes)
        const traffic = new Traffic("bytes")
        const cut = () => largeBytes / (8 + 52 * draw())
        const { url } = yield* http(serving(traffic, new Map([["/large.bin", content]]), cut))
        const cwd = yield* temporaryDirectory
        const moments = Array.from({ length: kills }, () => ((draw() + 0.5) * largeBytes) / (kills + 1))
        const count = yield* killed(["get", `${url}/large.bin`], cwd, traffic, moments)
        const factor = traffic.sentBytes / largeBytes
        tell(`${count} kills, ${traffic.requests} requests, ${traffic.sentBytes} bytes: ${factor.toFixed(3)} times`)
        assert.isAtLeast(count, kills / 2)
        assert.deepStrictEqual(
          filesIn(cwd).filter((name) => !name.endsWith(".ndjson")),
          ["large.bin"]
        )
        assert.strictEqual(sha256(readFileSync(`${cwd}/large.bin`)), sha256(content))
        assert.isAtMost(factor, 1.1)
      }),
    300_000
  )
})
