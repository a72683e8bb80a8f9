/**
 * `--sums` of halyard get: checksums for the URLs of arguments and other lists.
 */
import { createHash } from "node:crypto"
import { writeFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { ErrorFields } from "../../../../src/EventLine.js"
import { outcomesOf as outcomes } from "../../../support/program/eventLines.js"
import { get, origin } from "../../../support/program/get.js"
import { temporaryDirectory } from "../../../support/program/program.js"

const digestOf = (algorithm: string, path: string): string =>
  createHash(algorithm).update(`content of ${path}`).digest("hex")

const given = Effect.fnUntraced(function* (files: Readonly<Record<string, ReadonlyArray<string>>>) {
  const cwd = yield* temporaryDirectory
  for (const [name, lines] of Object.entries(files)) {
    writeFileSync(`${cwd}/${name}`, lines.map((line) => `${line}\n`).join(""))
  }
  return cwd
})

/** What `verified` of each saved file is, and the errors of the others. */
const whyOf = (error: typeof ErrorFields.Type): string =>
  "detail" in error ? error.detail : error._tag === "Mismatch" ? `not the ${error.reason}` : error.message

const outcomesOf = (stdout: string): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    outcomes(stdout).map((line) => [
      new URL(line.url).pathname,
      line.outcome === "Saved" ? line.verified : line.outcome === "Failed" ? whyOf(line.error) : line.outcome
    ])
  )

describe("--sums of halyard get", () => {
  it.scopedLive("has checksums by file name, by path and by the name of an item", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const cwd = yield* given({
        SHA256SUMS: [
          "-----BEGIN PGP SIGNED MESSAGE-----",
          `${digestOf("sha256", "/a")} *a`,
          `${digestOf("sha256", "/x/b")}  ./x/b`,
          `${digestOf("sha256", "/y/b")}  y/b`,
          `SHA256 (c) = ${digestOf("sha256", "/other")}`,
          `${digestOf("sha256", "/d%20e")}  d e`,
          `${digestOf("sha256", "/download")}  real`
        ],
        MD5SUMS: [`${digestOf("md5", "/m")}  m`, `${digestOf("md5", "/wrong")}  a`],
        list: [
          `${url}/x/b`,
          `${url}/y/b`,
          `${url}/z/b`,
          `${url}/d%20e`,
          `${url}/none?k=s3cret`,
          `${url}/download`,
          " out=real"
        ]
      })
      const sums = ["--sums", "SHA256SUMS", "--sums", "MD5SUMS"]
      const { exitCode, stderr, stdout } = yield* get(
        [`${url}/a`, `${url}/c`, `${url}/m`, "-i", "list", ...sums, "--json"],
        { cwd }
      )
      assert.strictEqual(exitCode, 1)
      assert.deepStrictEqual(outcomesOf(stdout), {
        "/a": "digest",
        "/c": "not the digest",
        "/m": "digest",
        "/x/b": "digest",
        "/y/b": "digest",
        "/z/b": "SHA256SUMS, MD5SUMS has several files with the name b",
        "/d%20e": "digest",
        "/none": "length",
        "/download": "digest"
      })
      assert.include(stderr, "SHA256SUMS: 1 line is not a checksum\n")
      assert.include(stderr, `no checksum in SHA256SUMS, MD5SUMS for ${url}/none?k=…\n`)
    })
  )

  it.scopedLive("belongs to the files below --base-url, if that is given", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const cwd = yield* given({ sums: [`${digestOf("sha1", "/p/a")}  a`, `${digestOf("sha1", "/p/q/a")}  q/a`] })
      const { exitCode, stderr, stdout } = yield* get(
        [`${url}/p/a`, `${url}/p/q/a`, "--sums", "sums", "--base-url", `${url}/p`, "--json"],
        { cwd }
      )
      assert.strictEqual(exitCode, 0, stderr)
      assert.deepStrictEqual(outcomesOf(stdout), { "/p/a": "digest", "/p/q/a": "digest" })
    })
  )

  it.scopedLive("gives way to the checksum of an item, and replaces a file that is wrong", () =>
    Effect.gen(function* () {
      const { url } = yield* origin
      const cwd = yield* given({
        sums: [`${digestOf("sha256", "/a")}  a`, `${digestOf("sha256", "/nothing")}  b`],
        a: ["torn"],
        list: [`${url}/a`, `${url}/b`, ` checksum=sha-256=${digestOf("sha256", "/b")}`]
      })
      const { exitCode, read, stderr } = yield* get(["-i", "list", "--sums", "sums"], { cwd })
      assert.deepStrictEqual([exitCode, read("a"), read("b")], [0, "content of /a", "content of /b"], stderr)
    })
  )

  it.scopedLive("is refused if it has no checksum, or cannot be read", () =>
    Effect.gen(function* () {
      const cwd = yield* given({ sums: ["http://a.test/"] })
      for (const [file, problem] of [
        ["sums", "it has no line with a checksum and a name"],
        ["none", "there is no such file"]
      ] as const) {
        const { exitCode, stderr } = yield* get(["http://a.test/a", "--sums", file], { cwd })
        assert.deepStrictEqual([exitCode, stderr], [2, `halyard get: --sums ${file}: ${problem}\n`])
      }
    })
  )
})
