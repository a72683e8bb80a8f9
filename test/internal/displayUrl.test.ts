import { assert, describe, it } from "@effect/vitest"
import { displayUrl } from "../../src/internal/displayUrl.js"

describe("displayUrl", () => {
  it("removes credentials and the values of the query, and keeps the rest", () => {
    assert.strictEqual(
      displayUrl("https://user:secret@host:8443/a/b?token=secret&page=2#frag"),
      "https://***@host:8443/a/b?token=…&page=…"
    )
    assert.strictEqual(displayUrl("http://host/a"), "http://host/a")
  })

  it("removes them also from what is no URL", () => {
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
