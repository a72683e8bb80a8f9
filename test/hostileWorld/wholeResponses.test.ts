/**
 * Whole responses to a plain request and to a request for the rest of a file, one a row. No wrong byte is published.
 */
import { describe } from "@effect/vitest"
import { Origin } from "../../src/testing.js"
import {
  body,
  broken,
  cut,
  isRange,
  range,
  rest,
  row,
  saved,
  sha256,
  startsOver,
  whole
} from "../support/transport/hostileRow.js"

/** A whole response, as the status says, of these bytes. */
const all = (
  text: string,
  headers: Readonly<Record<string, string>> = { etag: '"1"' },
  status = 200
): Origin.Reply => ({
  status,
  headers: { "content-length": `${text.length}`, ...headers },
  body: text
})

describe("a whole response in answer to a range", () => {
  for (const status of [200, 203]) {
    row(
      `is not the file if its Content-Range says that it is a part (${status})`,
      [broken, all(rest, { etag: '"1"', "content-range": "bytes 4-9/10" }, status), whole],
      startsOver,
      { ranges: [undefined, range, undefined] }
    )
  }
  row(
    "is never the file if all that is said of ranges is a lie",
    [(r) => (isRange(r) ? all(rest, { etag: '"1"', "content-range": "bytes 4-9/10" }) : cut(r))],
    { _tag: "Truncated" },
    { strict: true }
  )
  row(
    "is not the file if its Content-Range cannot be read",
    [broken, all(rest, { "content-range": "4-9" }), whole],
    startsOver
  )
  row(
    "is not the file if it has parts",
    [broken, all(rest, { "content-type": "multipart/byteranges; boundary=x" }), whole],
    startsOver
  )
  for (const [what, headers] of [
    ["the same validator", { etag: '"1"' }],
    ["no validator", {}]
  ] as const) {
    row(`is not the file if it has another length and ${what}`, [broken, all(rest, headers), whole], startsOver)
    row(`is not the file if it has no length and ${what}`, [broken, { headers, body: rest }, whole], startsOver)
    row(`is not the file if it is empty and has ${what}`, [broken, all("", headers), whole], startsOver)
  }
  row(
    "is the file if it has another validator",
    [broken, all(rest, { etag: '"2"' })],
    { _tag: "Saved", bytes: 6, attempts: 2 },
    { content: rest }
  )
  row(
    "is the file, and nothing of the first, if it is coded otherwise",
    [broken, all(rest, { etag: '"1"', "content-encoding": "gzip" })],
    { _tag: "Saved", bytes: 6, attempts: 2 },
    { content: rest }
  )
  row(
    "that is smaller than the received bytes is not the file",
    [
      { headers: { etag: '"1"' }, body, breakAt: { bytes: 7, how: "close" } },
      all(rest),
      (r) => Origin.file(r, body, { etag: '"1"' })
    ],
    startsOver
  )
})

describe("a whole response to a plain request", () => {
  row("is not the file if its Content-Range says that it is a part", [all(rest, { "content-range": "bytes 4-9/10" })], {
    _tag: "Protocol",
    reason: "inconsistent"
  })
  row("is not the file if its Content-Range and its length differ", [all(rest, { "content-range": "bytes 0-9/10" })], {
    _tag: "Protocol",
    reason: "inconsistent"
  })
  row("is the file if its Content-Range says so, or nothing", [all(body, { "content-range": "bytes 0-9/10" })], saved)
  row("is the file if its Content-Range has no meaning", [all(body, { "content-range": "none" })], saved)
  row(
    "is not the file if an earlier response of the same version was longer, because a cache may be truncated",
    [broken, all("0123")],
    {
      _tag: "Protocol",
      reason: "inconsistent"
    }
  )
  row(
    "is the file if its digest is right, even after other lengths",
    [(r) => Origin.file(r, `${body}more`, { etag: '"1"', breakAt: { bytes: 4, how: "close" } }), all(body)],
    { ...startsOver, verified: "digest" },
    { digest: sha256(body) }
  )
})

describe("a whole response that starts over", () => {
  const unsized = (text: string): Origin.Reply => ({ headers: { etag: '"1"' }, body: text })
  row(
    "is not the file if it ends before the length that its version had",
    [broken, unsized(rest), whole],
    { ...startsOver, verified: "length" },
    { ranges: [undefined, range, undefined] }
  )
  row("is not the file if it is longer than its version was", [broken, unsized(`${body}more`), whole], startsOver)
  row(
    "is not continued if it breaks off before the length that its version had, because it may be the rest of the file",
    [broken, { ...unsized(rest), breakAt: { bytes: 3, how: "reset" } }, (r) => Origin.file(r, body, { etag: '"1"' })],
    { ...startsOver, attempts: 3 },
    { ranges: [undefined, range, undefined] }
  )
  const unsizedBroken: Origin.Reply = { ...unsized(body), breakAt: { bytes: 4, how: "reset" } }
  for (const [what, reply] of [
    ["and no length", unsized(rest)],
    ["and a length", all(rest)],
    ["without a validator", { body: rest }]
  ] as const) {
    row(
      `is requested once more if no response has said the length of the file: the rest of it ${what}`,
      [unsizedBroken, reply, whole],
      { ...startsOver, attempts: 3 },
      { ranges: [undefined, range, undefined] }
    )
  }
  row(
    "is continued if no byte had arrived before it, because it is no answer to a range",
    [
      { ...unsized(body), breakAt: { bytes: 0, how: "reset" } },
      { ...unsized(body), breakAt: { bytes: 4, how: "reset" } },
      (r) => Origin.file(r, body, { etag: '"1"' })
    ],
    { _tag: "Saved", bytes: 10, attempts: 3 },
    { ranges: [undefined, undefined, range], content: body }
  )
  row("is the file if it has the length that its version had", [broken, unsized(body)], { ...saved, attempts: 2 })
  const typed = (reply: Origin.Reply, type: string): Origin.Reply => ({
    ...reply,
    headers: { ...reply.headers, "content-type": type }
  })
  const login = { body: "<html>", headers: { "content-type": "text/html; charset=utf-8", "content-length": "6" } }
  row(
    "is not the file if it is a page and the file was none",
    [(r) => typed(cut(r), "application/zip"), login, login, (r) => typed(whole(r), "application/zip")],
    { ...saved, attempts: 4 }
  )
  row("is never the file if it is a page and the file was none", [(r) => typed(cut(r), "application/zip"), login], {
    _tag: "Protocol",
    reason: "inconsistent"
  })
  row(
    "may have another type: mirrors do not agree on them",
    [
      (r) => typed({ ...cut(r), headers: { "content-length": "10" } }, "application/x-xz"),
      (r) => typed(whole(r), "application/octet-stream")
    ],
    { ...saved, attempts: 2 }
  )
  row(
    "in a transfer coding that a client has not undone is refused",
    [{ body: "\u001f\u008b", headers: { "transfer-encoding": "gzip, chunked" } }],
    { _tag: "Protocol", reason: "message" },
    { requests: 1 }
  )
})
