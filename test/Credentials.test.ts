import { assert, describe, it } from "@effect/vitest"
import * as Either from "effect/Either"
import * as Redacted from "effect/Redacted"
import * as Credentials from "../src/Credentials.js"

const decoded = (value: Redacted.Redacted | undefined) =>
  value && Buffer.from(Redacted.value(value).replace("Basic ", ""), "base64").toString("utf8")

const lookUp = (text: string, url: string) =>
  decoded(Credentials.fromNetrc(Either.getOrThrow(Credentials.parseNetrc(text)), url))

const problem = (text: string) => Either.getOrThrow(Either.flip(Credentials.parseNetrc(text)))

describe("Credentials.basic", () => {
  it("is the value of Authorization in UTF-8, and is not printed", () => {
    const value = Credentials.basic("Zoë", Redacted.make("pä:ss"))
    assert.strictEqual(decoded(value), "Zoë:pä:ss")
    assert.strictEqual(decoded(Credentials.basic("Zoë", "pä:ss")), "Zoë:pä:ss")
    assert.strictEqual(`${value}`, "<redacted>")
    // The example of RFC 7617 §2.
    const [user, password] = ["Aladdin", "open sesame"]
    assert.strictEqual(Redacted.value(Credentials.basic(user, password)), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")
  })
})

describe("a netrc file", () => {
  const file = [
    "# the machines of the office",
    "machine a.example login ann password one # a comment",
    "machine B.Example",
    "\tlogin bob\r",
    "\taccount sales",
    "\tpassword #two",
    "macdef init",
    "  machine a.example login macro",
    "  cd /pub",
    "",
    'machine c.example login "Carl C" password "th\\"r\\\\e\\te"',
    "machine a.example login other password other",
    "machine d.example password only",
    "machine e.example login eve",
    "default login anonymous password guest@"
  ].join("\n")

  it("has credentials by host, whatever the port, the scheme and the case", () => {
    for (const [url, expected] of [
      ["https://a.example/x", "ann:one"],
      ["http://A.EXAMPLE:8080/x", "ann:one"],
      ["https://b.example/", "bob:#two"],
      ["https://c.example/", 'Carl C:th"r\\e\te'],
      ["https://d.example/", undefined],
      ["https://e.example/", "eve:"],
      ["https://x.a.example/", "anonymous:guest@"],
      ["https://example/", "anonymous:guest@"],
      ["https://me@a.example/", undefined],
      ["not a URL", undefined]
    ] as const) {
      assert.strictEqual(lookUp(file, url), expected, url)
    }
  })

  it("has none for other hosts if there is no default, and may be empty", () => {
    assert.isUndefined(lookUp("machine a.example login a password b", "https://b.example/"))
    assert.isUndefined(lookUp("machine a.example login a password b", "https://sub.a.example/"))
    for (const text of ["", "\n\n", "\ufeff# nothing", "macdef init\nmachine a", "macdef", "macdef x\r\ny\r\n\r\n"]) {
      assert.isUndefined(lookUp(text, "https://a.example/"), JSON.stringify(text))
    }
    assert.strictEqual(lookUp("macdef x\r\ny\r\n\r\nmachine a login b password c", "http://a/"), "b:c")
  })

  it("may have all words on one line, in any order", () => {
    assert.strictEqual(lookUp("machine a password p login l machine b login m password q", "http://a/"), "l:p")
    assert.strictEqual(lookUp("default login l password p machine a login m password q", "http://a/"), "m:q")
  })

  it("is refused with the number of the line, and without its text", () => {
    for (const [text, expected] of [
      ["machine a\nlogin", "line 2: login has no value"],
      ["machine", "line 1: machine has no value"],
      ["\nlogin s3cret", "line 2: login comes before the first machine"],
      ['machine a\npassword "s3cret\n\n', "line 4: a quotation mark is not closed"],
      ['"s3cret', "line 1: a quotation mark is not closed"],
      [
        "machine a\npassword x s3cret",
        "line 2: it has a word that is none of machine, default, login, password, account and macdef"
      ]
    ] as const) {
      assert.strictEqual(problem(text), expected)
    }
  })

  it("is read in a time that grows with its length only", () => {
    const many = Array.from({ length: 20_000 }, (_, index) => `machine h${index} login l password "${index}"\n`).join(
      ""
    )
    assert.strictEqual(lookUp(many, "http://h19999/"), "l:19999")
    assert.isUndefined(lookUp(`macdef x\n${"x\n".repeat(200_000)}`, "http://a/"))
  })
})
