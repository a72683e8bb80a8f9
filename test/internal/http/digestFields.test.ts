import { createHash } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import type { Expected } from "../../../src/internal/digest.js"
import * as DigestFields from "../../../src/internal/http/digestFields.js"

const base64 = (algorithm: string) => createHash(algorithm).update("body").digest("base64")
const hex = (algorithm: string) => createHash(algorithm).update("body").digest("hex")

const sha256: Expected = { algorithm: "sha256", digests: [hex("sha256")] }
const sha512: Expected = { algorithm: "sha512", digests: [hex("sha512")] }

const structured = `sha-256=:${base64("sha256")}:`

describe("internal/http/digestFields", () => {
  for (const [what, head, expected] of [
    ["nothing", {}, undefined],
    ["Repr-Digest", { "repr-digest": structured }, sha256],
    ["several algorithms", { "repr-digest": `${structured}, sha-512=:${base64("sha512")}:` }, sha512],
    ["an unknown algorithm", { "repr-digest": `md5=:${base64("md5")}:, ${structured}` }, sha256],
    ["only unknown algorithms", { "repr-digest": `unixsum=:AAAA:, md5=:${base64("md5")}:` }, undefined],
    ["a parameter", { "repr-digest": `${structured};x=1` }, sha256],
    ["a digest of another length", { "repr-digest": "sha-256=:AAAA:" }, undefined],
    ["no syntax", { "repr-digest": ",,=;:sha-256" }, undefined],
    ["Content-Digest", { "content-digest": structured }, sha256],
    ["Digest", { digest: `SHA-256=${base64("sha256")},md5=${base64("md5")}` }, sha256],
    ["Digest beside a content coding", { digest: `sha-256=${base64("sha256")}`, "content-encoding": "gzip" }, undefined]
  ] as const) {
    it(`reads a response with ${what}`, () => {
      assert.deepStrictEqual(DigestFields.ofRepresentation({ status: 200, headers: head }), expected)
    })
  }

  it("does not take the digest of a range for that of the whole file", () => {
    const head = { status: 206, headers: { "content-digest": structured } }
    assert.isUndefined(DigestFields.ofRepresentation(head))
    assert.deepStrictEqual(DigestFields.ofRange(head), sha256)
    const both = {
      status: 206,
      headers: { "content-digest": structured, "repr-digest": `sha-512=:${base64("sha512")}:` }
    }
    assert.deepStrictEqual(DigestFields.ofRepresentation(both), sha512)
  })

  it("ignores the digests of a content that a proxy has changed", () => {
    assert.isUndefined(DigestFields.ofRepresentation({ status: 203, headers: { "repr-digest": structured } }))
  })
})
