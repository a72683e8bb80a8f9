import { assert, describe, it } from "@effect/vitest"
import * as Har from "../src/Har.js"
import { entriesOf } from "./support/recorded/harSchema.js"

const line = {
  event: "Exchanged",
  atMillis: 1_790_000_000_100,
  beganAtMillis: 1_790_000_000_000,
  index: 1,
  url: "https://***@a.example/b c;d=…?key=…&n=1",
  method: "GET",
  attempt: 1,
  offsetBytes: 0,
  status: 200,
  bytes: 10,
  permitMillis: 10,
  lookupMillis: 5,
  connectMillis: 20,
  tlsMillis: 30,
  firstByteMillis: 25,
  bodyMillis: 10,
  connection: { id: 3, isReused: false, remoteAddress: "[2001:db8::1]:443" },
  requestHeaders: { range: "bytes=5-" },
  responseHeaders: { "content-type": "image/gif", location: "/c" }
} as const

const archive = (...entries: ReadonlyArray<Har.Entry>): string =>
  `${Har.start("0.2.0")}${entries.map((entry) => JSON.stringify(entry)).join(",")}${Har.end}`

const valid = (given: Parameters<typeof Har.entry>[0]): Har.Entry => {
  const [entry] = entriesOf(archive(Har.entry(given, "files/b")))
  assert.isDefined(entry)
  return entry ?? Har.entry(given, "")
}

describe("an entry of an archive", () => {
  it("has the phases of the request, with TLS as a part of the connection", () => {
    const entry = valid(line)
    assert.strictEqual(entry.time, 100)
    assert.deepStrictEqual(entry.timings, {
      blocked: 10,
      dns: 5,
      connect: 50,
      ssl: 30,
      send: 0,
      wait: 25,
      receive: 10
    })
    assert.deepInclude(entry, { connection: "3", serverIPAddress: "2001:db8::1", comment: "files/b" })
    assert.deepInclude(entry.response, { status: 200, statusText: "OK", redirectURL: "/c", bodySize: 10 })
    assert.deepStrictEqual(entry.response.content, { size: 10, mimeType: "image/gif" })
  })

  it("has -1 for the phases of a connection that is used again", () => {
    const { connectMillis: _, lookupMillis: __, tlsMillis: ___, ...reused } = line
    const { timings } = valid({ ...reused, firstByteMillis: 80, connection: { id: 3, isReused: true } })
    assert.deepInclude(timings, { dns: -1, connect: -1, ssl: -1, wait: 80 })
  })

  it("has the status 0 and the error if there was no response", () => {
    const { bodyMillis: _, responseHeaders: __, status: ___, firstByteMillis: ____, ...failed } = line
    const error = {
      _tag: "Connection",
      url: "https://a.example/b",
      reason: "tls",
      receivedBytes: 0,
      detail: "",
      message: "no secure connection could be made"
    } as const
    const entry = valid({ ...failed, bytes: 0, tlsMillis: 65, error })
    assert.deepInclude(entry.response, { status: 0, statusText: "", _error: error.message, bodySize: -1 })
    assert.deepInclude(entry.timings, { connect: 85, ssl: 65, wait: 0, receive: 0 })
  })

  it("has the URL of a redirect, and its header if the line is that of an earlier version", () => {
    const redirected = valid({ ...line, status: 302, redirectUrl: "https://b.example/c?key=…" })
    assert.strictEqual(redirected.response.redirectURL, "https://b.example/c?key=%E2%80%A6")
    assert.strictEqual(valid({ ...line, status: 302 }).response.redirectURL, "/c")
  })

  it("has a URL in the characters of a URL, and the names of its query", () => {
    const { request } = valid(line)
    assert.match(request.url, /^[\x21-\x7e]+$/)
    assert.deepStrictEqual(request.queryString, [
      { name: "key", value: "…" },
      { name: "n", value: "1" }
    ])
    for (const url of ["http://a.example/\ud800^`{|}?\ud800=ü#ü", "http://ü.example/"]) {
      assert.match(valid({ ...line, url }).request.url, /^[\x21-\x7e]+$/, url)
    }
  })

  it("says in its comment which part of which file it was for", () => {
    assert.strictEqual(valid({ ...line, attempt: 2, offsetBytes: 5 }).comment, "files/b, attempt 2, from byte 5")
  })
})
