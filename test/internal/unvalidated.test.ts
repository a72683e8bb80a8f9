import { assert, describe, it } from "@effect/vitest"
import * as Equal from "effect/Equal"
import * as Hash from "effect/Hash"
import * as Schema from "effect/Schema"
import * as Download from "../../src/Download.js"
import * as Unvalidated from "../../src/internal/unvalidated.js"

describe("Unvalidated.make", () => {
  it("makes the same value as the constructor", () => {
    const request = Download.request({ url: "http://a.test/x", destination: "x" })
    const fields = {
      request,
      destination: "x",
      bytes: 3,
      verified: "length",
      attempts: 1,
      url: "http://a/x",
      status: 200
    } as const
    const made = Unvalidated.make(Download.Saved, fields)
    const constructed = new Download.Saved(fields)
    assert.instanceOf(made, Download.Saved)
    assert.deepStrictEqual(Object.keys(made), Object.keys(constructed))
    assert.isTrue(Equal.equals(made, constructed))
    assert.strictEqual(Hash.hash(made), Hash.hash(constructed))
    assert.deepStrictEqual(
      Schema.encodeSync(Download.DownloadOutcome)(made),
      Schema.encodeSync(Download.DownloadOutcome)(constructed)
    )
  })
})
