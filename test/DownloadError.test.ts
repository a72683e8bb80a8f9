import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as FastCheck from "effect/FastCheck"
import * as Schema from "effect/Schema"
import * as DownloadError from "../src/DownloadError.js"

describe("DownloadError", () => {
  it("encodes any error to JSON and back, with its fields", () => {
    const json = Schema.parseJson(DownloadError.DownloadError)
    const same = Schema.equivalence(DownloadError.DownloadError)
    FastCheck.assert(
      FastCheck.property(Arbitrary.make(DownloadError.DownloadError), (error) => {
        // JSON has neither infinities nor NaN.
        FastCheck.pre(Object.values(error).every((value) => typeof value !== "number" || Number.isFinite(value)))
        FastCheck.pre(Object.values(error).every((value) => !Object.is(value, -0)))
        // The encoded form has no secrets and no directories.
        const plain = Schema.decodeSync(json)(Schema.encodeSync(json)(error))
        assert.strictEqual(plain._tag, error._tag)
        assert.isTrue(same(Schema.decodeSync(json)(Schema.encodeSync(json)(plain)), plain))
      })
    )
  })

  it("encodes no directories", () => {
    const encoded = (error: DownloadError.DownloadError) =>
      JSON.stringify(Schema.encodeSync(DownloadError.DownloadError)(error))
    for (const detail of [
      "EXDEV: cross-device link not permitted, rename '/srv/files/a.part' -> '/srv/files/a.gif'",
      "EIO: i/o error, open 'srv/files/a.gif'",
      "BadArgument: FileSystem.open (/srv/files/a.gif): no",
      "EBUSY, C:\\srv\\files\\a.gif"
    ]) {
      const error = new DownloadError.Disk({ path: "/srv/files/a.gif", reason: "other", detail })
      assert.include(error.message, "/srv/files/a.gif")
      assert.notInclude(encoded(error), "srv")
      assert.include(encoded(error), "a.gif")
    }
  })

  it("describes an HTTP status as the chapter does", () => {
    const message = (status: number) => new DownloadError.HttpStatus({ url: "http://origin/", status }).message
    assert.strictEqual(message(418), "HTTP error 418 - I'm a Teapot")
    assert.strictEqual(message(599), "HTTP error 599")
  })

  it("has a message of one line for every error", () => {
    FastCheck.assert(
      FastCheck.property(Arbitrary.make(DownloadError.DownloadError), (error) => {
        assert.isAbove(error.message.length, 0)
      })
    )
    const timeout = new DownloadError.Timeout({ url: "", phase: "total", limitMillis: 3100, receivedBytes: 9 })
    assert.strictEqual(timeout.message, "timed out after 3.1s waiting for the rest of the body")
    const short = new DownloadError.Timeout({ url: "", phase: "total", limitMillis: 0.1, receivedBytes: 0 })
    assert.strictEqual(short.message, "timed out after 0.001s waiting for the response")
  })
})
