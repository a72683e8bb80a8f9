import { assert, describe, it } from "@effect/vitest"
import {
  displayDetail,
  displayLabel,
  displayName,
  displayText,
  displayUrl
} from "../../../src/internal/text/displayUrl.js"

describe("displayUrl", () => {
  it("removes credentials and query values, and keeps the rest", () => {
    assert.strictEqual(
      displayUrl("https://user:secret@host:8443/a/b?token=secret&page=2#frag"),
      "https://***@host:8443/a/b?token=…&page=…"
    )
    assert.strictEqual(displayUrl("http://host/a"), "http://host/a")
  })

  it("removes them from invalid URLs", () => {
    assert.notInclude(displayUrl("//user:secret@host/a?token=secret"), "secret")
    assert.notInclude(displayUrl("http://user:secret@[bad/?token=secret"), "secret")
    assert.strictEqual(displayUrl("user:secret@host:8080/a"), "***@host:8080/a")
    assert.strictEqual(displayUrl("http://user:sec/ret@host/a"), "http://***@host/a")
    assert.strictEqual(displayUrl("http://user:sec?ret@host:port/a"), "http://***@host:port/a")
  })

  it("makes control characters visible", () => {
    assert.notInclude(displayUrl("no url \u001b[31m"), "\u001b")
  })
})

describe("displayText", () => {
  it("removes the fragment of a word without a scheme, and keeps a # that begins no fragment", () => {
    for (const display of [displayText, displayLabel]) {
      assert.strictEqual(display("host.example/path#access_token=SECRET"), "host.example/path")
      assert.strictEqual(display("see host.example/#SECRET now"), "see host.example/ now")
      assert.strictEqual(display("host.example#token=SECRET"), "host.example")
      assert.strictEqual(display("list?page=2#SECRET"), "list?page=…")
      assert.strictEqual(display("user:SECRET@host/a#SECRET"), "***@host/a")
      assert.strictEqual(display("issue #12, C#, row#3"), "issue #12, C#, row#3")
    }
  })

  it("keeps the end of a quotation", () => {
    assert.strictEqual(displayText("open 'host/a?sig=SECRET'."), "open 'host/a?sig=…'.")
    assert.strictEqual(displayText("(https://host/?sig=SECRET)"), "(https://host/?sig=…)")
  })
})

describe("displayName and displayDetail", () => {
  it("keep a # in the name of a file", () => {
    assert.strictEqual(displayName("downloads/C#/track#3.gif"), "track#3.gif")
    assert.strictEqual(displayName("downloads/a#token=SECRET"), "a")
    assert.strictEqual(displayName("downloads/a?b#SECRET"), "a?…")
  })

  it("keep only the last segment of a path with a query or a fragment", () => {
    assert.strictEqual(displayDetail("open '/srv/private/a?sig=SECRET', failed"), "open 'a?sig=…', failed")
    assert.strictEqual(displayDetail("open '/srv/private/a#sig=SECRET'"), "open 'a'")
  })
})
