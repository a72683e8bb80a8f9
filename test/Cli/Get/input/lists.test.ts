/**
 * The lists of `halyard get`: formats, encodings, and what is wrong with a line.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Stream from "effect/Stream"
import { BaseUrl } from "../../../../src/Cli/Get/input/baseUrl.js"
import type { Entry, Fields } from "../../../../src/Cli/Get/input/item.js"
import * as List from "../../../../src/Cli/Get/input/list.js"

const encoder = new TextEncoder()

const inPieces = (bytes: Uint8Array, pieceBytes: number): Stream.Stream<Uint8Array> =>
  Stream.fromIterable(
    Array.from({ length: Math.ceil(bytes.length / pieceBytes) }, (_, index) =>
      bytes.subarray(index * pieceBytes, (index + 1) * pieceBytes)
    )
  )

interface Given {
  readonly pieceBytes?: number
  readonly base?: string
}

/** The stream of a list, and the keys that it reported as ignored. */
const open = (bytes: Uint8Array, { base, pieceBytes = 1000 }: Given = {}) => {
  const ignored: Array<string> = []
  const entries = List.fromBytes(inPieces(bytes, pieceBytes), {
    name: "list",
    label: "--input list",
    baseUrl: base === undefined ? undefined : BaseUrl.parse(base),
    onIgnored: (key) => ignored.push(key)
  })
  return { entries, ignored }
}

const shown = (entry: Entry): string =>
  entry._tag === "Refused"
    ? `${entry.place.line}: ${entry.problem}`
    : `${entry.place?.line} ${entry.url}${fieldsOf(entry.fields)}`

const fieldsOf = (fields: Fields): string => {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined)
  return given.length === 0 ? "" : ` ${JSON.stringify(Object.fromEntries(given))}`
}

const read = (bytes: Uint8Array | string, given?: Given) =>
  Effect.suspend(() => {
    const { entries, ignored } = open(typeof bytes === "string" ? encoder.encode(bytes) : bytes, given)
    return Effect.map(Stream.runCollect(entries), (all) => [...Chunk.toReadonlyArray(all).map(shown), ...ignored])
  })

const utf16 = (text: string, isBigEndian: boolean): Uint8Array => {
  const bytes = Buffer.from(text, "utf16le")
  return isBigEndian ? bytes.swap16() : bytes
}

const hex = { md5: "a".repeat(32), sha1: "b".repeat(40), sha256: "c".repeat(64) }

describe("a list of URLs", () => {
  it.effect("has the same items for any chunks of the bytes, in UTF-8 and UTF-16", () =>
    Effect.gen(function* () {
      const text = "http://a.test/ä\r\n\r\n# a comment\n  http://b.test/日本 \n\n#\n\n\t\nhttp://c.test/🎏"
      for (const bytes of [
        encoder.encode(text),
        encoder.encode(`\ufeff${text}`),
        utf16(text, false),
        utf16(`\ufeff${text}`, false),
        utf16(text, true),
        utf16(`\ufeff${text}`, true)
      ]) {
        for (const pieceBytes of [1, 2, 3, 5, 7, 1000]) {
          assert.deepStrictEqual(
            yield* read(bytes, { pieceBytes }),
            ["1 http://a.test/ä", "4 http://b.test/日本", "9 http://c.test/🎏"],
            `${bytes.subarray(0, 4)} in pieces of ${pieceBytes}`
          )
        }
      }
    })
  )

  it.effect("has no comments, but a # inside a URL", () =>
    Effect.gen(function* () {
      const text = "# one\n  \t#two\nhttp://a.test/c # three\nhttp://a.test/d\t#four # five\r\nhttp://a.test/e#f\n#"
      assert.deepStrictEqual(yield* read(text), ["3 http://a.test/c", "4 http://a.test/d", "5 http://a.test/e#f"])
    })
  )

  it.effect("has at most 32 items in a chunk, and none for an empty text", () =>
    Effect.gen(function* () {
      const lines = Array.from({ length: 10_000 }, (_, index) => `http://a.test/${index}`)
      const { entries } = open(encoder.encode(`${lines.join("\n")}\n`), { pieceBytes: 65_536 })
      const chunks = Chunk.toReadonlyArray(yield* Stream.runCollect(Stream.chunks(entries)))
      assert.isAtMost(Math.max(...chunks.map(Chunk.size)), 32)
      const urls = chunks.flatMap((chunk) => Chunk.toReadonlyArray(chunk)).map((entry) => "url" in entry && entry.url)
      assert.deepStrictEqual(urls, lines)
      assert.deepStrictEqual(yield* read(""), [])
    })
  )

  it.effect("has no unfinished item if the bytes fail", () =>
    Effect.gen(function* () {
      const bytes = inPieces(encoder.encode("http://a.test/1\nhttp://a.test/2\n out=b\nhttp://a.te"), 100)
      const seen: Array<string> = []
      const error = yield* List.fromBytes(Stream.concat(bytes, Stream.fail("broken")), {
        name: "list",
        label: "list",
        baseUrl: undefined,
        onIgnored: () => {}
      }).pipe(
        Stream.runForEach((entry) => Effect.sync(() => seen.push(shown(entry)))),
        Effect.flip
      )
      assert.deepStrictEqual([seen, error], [["1 http://a.test/1"], "broken"])
    })
  )

  it.effect("may have mirrors after tabs and aria2's options on indented lines", () =>
    Effect.gen(function* () {
      const lines = [
        "http://a.test/1\thttp://b.test/1\t \thttp://c.test/1",
        "  out=sub/one",
        "\tdir=x y",
        "# comment",
        "  checksum=sha-256=00",
        "",
        "  header=X-A: 1 # no comment",
        "  header=x-a: 2",
        "  referer=http://r.test/",
        "  split=5",
        "  split=6",
        "http://a.test/2",
        " http://a.test/3?a=b",
        "  out=three"
      ]
      const one = {
        mirrors: ["http://b.test/1", "http://c.test/1"],
        name: "sub/one",
        directory: "x y",
        checksum: "sha-256=00",
        headers: { "X-A": "1 # no comment, 2", referer: "http://r.test/" }
      }
      for (const pieceBytes of [1, 10, 1000]) {
        assert.deepStrictEqual(yield* read(lines.join("\n"), { pieceBytes }), [
          `1 http://a.test/1 ${JSON.stringify(one)}`,
          "12 http://a.test/2",
          '13 http://a.test/3?a=b {"name":"three"}',
          "split"
        ])
      }
    })
  )

  it.effect("refuses options without a URL, once", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* read(" out=a\n dir=b\nhttp://a.test/1"), [
        "1: out= came without a URL above it, or half a second after it",
        "3 http://a.test/1"
      ])
    })
  )
})

describe("the format of a list", () => {
  it.effect("is a list of URLs if the first line has a comma, a tab or a brace in its URL", () =>
    Effect.gen(function* () {
      for (const url of ["http://a.test/url,name", "http://url/;url;", "http://a.test/{url}", "url,http://a.test/"]) {
        assert.deepStrictEqual(yield* read(`${url}\nhttp://a.test/2`), [`1 ${url}`, "2 http://a.test/2"])
      }
    })
  )

  it.effect("is told if it cannot be read", () =>
    Effect.gen(function* () {
      for (const [text, problem] of [
        ['[{"url":"http://a.test/"}]', /^--input list: it is a JSON array; /],
        ["<!doctype html>", /^--input list: it is HTML or XML, /],
        [Buffer.from("1f8b0800", "hex"), /^--input list: it is compressed; /],
        [`${hex.md5}  a`, /^--input list: it has checksums and no URLs; add --base-url URL/]
      ] as const) {
        const error = yield* Effect.flip(read(text))
        assert.strictEqual(error._tag, "UsageError")
        assert.match(error.message, problem)
      }
    })
  )

  it.effect("never fails in another way, and every entry has a line, for any text", () =>
    Effect.promise(() =>
      FastCheck.assert(
        FastCheck.asyncProperty(
          FastCheck.array(
            FastCheck.oneof(
              FastCheck.string(),
              FastCheck.constantFrom(
                "url,name",
                '"url";size',
                "{",
                '{"url":1}',
                '{"url":"http://a.test/"}',
                "http://a.test/",
                ' out="',
                '"',
                "\t",
                "url",
                `${hex.sha1}  x`,
                `SHA256 (a) = ${hex.sha256}`
              )
            )
          ),
          FastCheck.integer({ min: 1, max: 64 }),
          async (lines, pieceBytes) => {
            const { entries } = open(encoder.encode(lines.join("\n")), { pieceBytes, base: "http://base.test/" })
            const all = await Effect.runPromise(Effect.either(Stream.runCollect(entries)))
            if (all._tag === "Left") {
              assert.strictEqual(all.left._tag, "UsageError")
            } else {
              for (const entry of all.right) {
                assert.isAtMost(entry.place?.line ?? Number.POSITIVE_INFINITY, lines.join("\n").split("\n").length)
              }
            }
          }
        ),
        { numRuns: 300 }
      )
    )
  )
})

describe("a list of JSON objects", () => {
  it.effect("has an item on each line, with fields and headers in several forms", () =>
    Effect.gen(function* () {
      const lines = [
        '{"url":"http://a.test/1"}',
        "",
        `{"uri":"http://a.test/2","out":"b","dir":"d","sha256":"${hex.sha256}","size":12,"etag":"x"}`,
        '{"url":"http://a.test/3","headers":{"A":"1","B":"2"},"mirrors":["http://b.test/3"],"name":null}',
        '{"url":"http://a.test/4","header":["A: 1","a:2"],"bytes":"34","etag":"y"}',
        `{"url":"http://a.test/5","checksum":"md5:${hex.md5}","sha1":"${hex.sha1}"}`
      ]
      assert.deepStrictEqual(yield* read(lines.join("\r\n"), { pieceBytes: 7 }), [
        "1 http://a.test/1",
        `3 http://a.test/2 {"name":"b","directory":"d","checksum":"sha256:${hex.sha256}","sizeBytes":12}`,
        '4 http://a.test/3 {"headers":{"A":"1","B":"2"},"mirrors":["http://b.test/3"]}',
        '5 http://a.test/4 {"sizeBytes":34,"headers":{"A":"1, 2"}}',
        `6 http://a.test/5 {"checksum":"md5:${hex.md5} sha1:${hex.sha1}"}`,
        "etag"
      ])
    })
  )

  it.effect("refuses each wrong line, and shows nothing of it", () =>
    Effect.gen(function* () {
      const lines = [
        "{}",
        '{"url":"s3cret"',
        '["s3cret"]',
        "7",
        '{"url":7}',
        '{"url":"a","name":[]}',
        '{"url":"a","size":1.5}',
        '{"url":"a","size":"many"}',
        '{"url":"a","headers":{"A":1}}',
        '{"url":"a","headers":"none"}',
        '{"url":"a","mirrors":{}}',
        '{"url":"a","uri":"b"}',
        `{"url":"${"a".repeat(70_000)}"}`
      ]
      assert.deepStrictEqual(yield* read(lines.join("\n"), { pieceBytes: 4000 }), [
        "1: it has no url",
        "2: it is not valid JSON",
        "3: it is not a JSON object",
        "4: it is not a JSON object",
        "5: url is not a string",
        "6: name is not a string",
        "7: size is not a whole number of bytes",
        "8: size is not a whole number of bytes",
        "9: headers is neither an object of strings nor a list of NAME:VALUE",
        "10: headers is neither an object of strings nor a list of NAME:VALUE",
        "11: mirrors is not a list of URLs",
        "12: it has both url and uri",
        "13: it is longer than 64 KiB"
      ])
    })
  )
})

describe("a table", () => {
  it.effect("has names of columns in its first row, and quotation marks as in RFC 4180", () =>
    Effect.gen(function* () {
      const rows = [
        "# a comment",
        'id,"URL",Name,Note,Size',
        '1,http://a.test/1,"a ""b"", c","two',
        'lines, one row",5',
        "",
        "2,http://a.test/2,,,",
        "3,http://a.test/3"
      ]
      for (const pieceBytes of [1, 9, 1000]) {
        assert.deepStrictEqual(yield* read(rows.join("\r\n"), { pieceBytes }), [
          '3 http://a.test/1 {"name":"a \\"b\\", c","sizeBytes":5}',
          "6 http://a.test/2",
          "7 http://a.test/3",
          "id",
          "Note"
        ])
      }
      assert.deepStrictEqual(yield* read("url\tmirrors\nhttp://a.test/1\thttp://b.test/1 http://c.test/1"), [
        '2 http://a.test/1 {"mirrors":["http://b.test/1","http://c.test/1"]}'
      ])
      assert.deepStrictEqual(yield* read("name;url\na;http://a.test/1"), ['2 http://a.test/1 {"name":"a"}'])
      assert.deepStrictEqual(yield* read("url\nhttp://a.test/1,2"), ["2 http://a.test/1,2"])
    })
  )

  it.effect("refuses each wrong row, and continues", () =>
    Effect.gen(function* () {
      const long = Array.from({ length: 700 }, () => "x".repeat(99))
      const rows = [
        "url,name",
        "http://a.test/1,b,c",
        ",b",
        'http://a.test/2,"b"c',
        '"',
        ...long,
        "http://a.test/3,d",
        '"'
      ]
      assert.deepStrictEqual(yield* read(rows.join("\n")), [
        "2: it has 3 values, and the first row has 2 names",
        "3: it has no url",
        "4: its quotation marks do not come in pairs around a value",
        "5: its quotation mark is not closed within 64 KiB, and the lines up to 661 are lost",
        ...long.slice(656).map((_, index) => `${662 + index} ${long[0]}`),
        '706 http://a.test/3 {"name":"d"}',
        "707: its quotation mark is not closed"
      ])
    })
  )
})

describe("a list of checksums", () => {
  it.effect("has the files below --base-url, with their paths", () =>
    Effect.gen(function* () {
      const lines = [
        "# made by hand",
        `${hex.sha256}  ./sub/a b#?.bin`,
        `${hex.md5.toUpperCase()} *b`,
        `\\${hex.sha1}  line\\nbreak\\\\`,
        `SHA256 (c (1).bin) = ${hex.sha256}`,
        `SHA2-256(d)= ${hex.sha256}`,
        `${hex.sha1}\te`,
        "-----BEGIN PGP SIGNATURE-----",
        `MD5 (f) = ${hex.sha1}`
      ]
      assert.deepStrictEqual(yield* read(lines.join("\n"), { base: "https://a.test/files?key=1" }), [
        `2 https://a.test/files/sub/a%20b%23%3F.bin?key=1 {"name":"./sub/a b#?.bin","checksum":"sha256:${hex.sha256}"}`,
        `3 https://a.test/files/b?key=1 {"name":"b","checksum":"md5:${hex.md5.toUpperCase()}"}`,
        `4 https://a.test/files/line%0Abreak%5C?key=1 {"name":"line\\nbreak\\\\","checksum":"sha1:${hex.sha1}"}`,
        `5 https://a.test/files/c%20(1).bin?key=1 {"name":"c (1).bin","checksum":"sha256:${hex.sha256}"}`,
        `6 https://a.test/files/d?key=1 {"name":"d","checksum":"sha256:${hex.sha256}"}`,
        `7 https://a.test/files/e?key=1 {"name":"e","checksum":"sha1:${hex.sha1}"}`,
        "8: it is not a checksum and a name",
        "9: it is not a checksum and a name"
      ])
    })
  )

  it.effect("is not the only list with --base-url: relative URLs of other lists are resolved", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* read("a/b\n/c\nhttp://b.test/d", { base: "http://a.test/x" }), [
        "1 http://a.test/x/a/b",
        "2 http://a.test/c",
        "3 http://b.test/d"
      ])
    })
  )
})
