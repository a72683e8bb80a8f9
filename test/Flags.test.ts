import { assert, describe, it } from "@effect/vitest"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import * as Flags from "../src/Flags.js"

const selected = (options: Parameters<typeof Flags.select>[0]) => Either.getOrThrow(Flags.select(options))

const rule = (options: Parameters<typeof Flags.select>[0]) =>
  Either.match(Flags.select(options), { onLeft: (error) => error.rule, onRight: () => undefined })

describe("Flags", () => {
  it("has 20, 194 and 676 codes, without repetitions", () => {
    assert.strictEqual(new Set(Flags.populous).size, 20)
    assert.strictEqual(new Set(Flags.all).size, 194)
    assert.strictEqual(new Set(Flags.every).size, 676)
    assert.strictEqual(Flags.all[0], "AD")
    assert.strictEqual(Flags.all[193], "ZW")
    assert.deepStrictEqual(Flags.all, Flags.all.slice().sort())
  })

  it("selects the most populous countries by default, sorted", () => {
    assert.deepStrictEqual(selected({}), Flags.populous.slice().sort())
    assert.deepStrictEqual(selected({ codes: [] }), Flags.populous.slice().sort())
  })

  it("gives every priority over all, and all over codes", () => {
    assert.strictEqual(selected({ every: true, all: true, codes: ["BR"] }).length, 676)
    assert.strictEqual(selected({ all: true, codes: ["BR"] }).length, 194)
  })

  it("expands a letter to that letter with A to Z, in any case, and removes repetitions", () => {
    const codes = selected({ codes: ["b", "br", "AD"] })
    assert.strictEqual(codes.length, 27)
    assert.strictEqual(codes[0], "AD")
    assert.strictEqual(codes[1], "BA")
    assert.strictEqual(codes[26], "BZ")
  })

  it("sorts before it limits", () => {
    assert.deepStrictEqual(selected({ codes: ["ZW", "BR", "AD"], limit: 2 }), ["AD", "BR"])
  })

  it("names the rule that a selection violates", () => {
    for (const codes of [["BRA"], ["1"], [""], ["B R"], ["ÄB"], ["--verbos"]]) {
      assert.strictEqual(rule({ codes }), "each CC argument must be A to Z or AA to ZZ")
    }
    assert.strictEqual(rule({ limit: 0 }), "--limit N must be >= 1")
    assert.strictEqual(rule({ limit: Number.NaN }), "--limit N must be >= 1")
  })

  it("makes the request for a code, with the code as its id", () => {
    const request = Flags.request("BR", { baseUrl: "http://origin/flags//", directory: "downloads" })
    assert.strictEqual(request.id, "BR")
    assert.strictEqual(request.url, "http://origin/flags/br/br.gif")
    assert.strictEqual(request.destination, "downloads/br.gif")
    assert.strictEqual(request.onExists, "overwrite")
  })

  it("keeps every destination inside the directory", () => {
    for (const code of ["../../etc/x", "/etc/x", "..", "a\u0000b", "C:\\x"]) {
      const request = Flags.request(code, { baseUrl: "http://origin", directory: "downloads" })
      assert.match(request.destination, /^downloads\/[a-z_]+\.gif$/)
      assert.isFalse(Schema.is(Flags.Code)(code))
    }
    assert.isTrue(Schema.is(Flags.Code)("br"))
  })
})
