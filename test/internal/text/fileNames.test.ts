import { assert, describe, it } from "@effect/vitest"
import * as FileNames from "../../../src/internal/text/fileNames.js"

describe("internal/text/fileNames", () => {
  for (const [url, name] of [
    ["http://origin/a/report.pdf?x=/etc/passwd#y", "report.pdf"],
    ["http://origin/a%20b.txt", "a b.txt"],
    ["http://origin/", "index.html"],
    ["http://origin", "index.html"],
    ["http://origin/..", "index.html"],
    ["http://origin/%2e%2e", "index.html"],
    ["http://origin/..%2f..%2fevil", "_._.._evil"],
    ["http://origin/%2Fetc%2Fpasswd", "_etc_passwd"],
    ["http://origin/..%5c..%5cevil", "_._.._evil"],
    ["http://origin/.bashrc", "_bashrc"],
    ["http://origin/-rf", "_rf"],
    ["http://origin/C%3Aevil.exe", "C_evil.exe"],
    ["http://origin/CON", "_CON"],
    ["http://origin/nul.txt", "_nul.txt"],
    ["http://origin/console.txt", "console.txt"],
    ["http://origin/a%1b%5b31mred.txt", "a_[31mred.txt"],
    ["http://origin/a%0ab", "a_b"],
    ["http://origin/invoice%E2%80%AEfdp.exe", "invoice_fdp.exe"],
    ["http://origin/zero%E2%80%8Bwidth", "zero_width"],
    ["http://origin/%ff%fe.bin", "%ff%fe.bin"],
    ["http://origin/name.", "name_"],
    ["http://origin/name%20", "name_"],
    ["http://origin/caf%65%CC%81", "caf\u00e9"],
    ["not a url", "index.html"]
  ] as const) {
    it(`makes '${name}' from ${url}`, () => {
      assert.strictEqual(FileNames.fromUrl(url), name)
    })
  }

  it("truncates a long name between two characters, and keeps its suffix", () => {
    const name = FileNames.fromUrl(`http://origin/${"é".repeat(300)}.tar.gz`)
    assert.isAtMost(Buffer.byteLength(name), 255)
    assert.match(name, /^é+\.tar\.gz$/)
  })

  it("numbers names before their suffix", () => {
    assert.strictEqual(FileNames.numbered("a.tar.gz", 2), "a-2.tar.gz")
    assert.strictEqual(FileNames.numbered("README", 3), "README-3")
  })

  it("makes a safe and visible name from any text", () => {
    let state = 1
    const random = (n: number) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0
      return state % n
    }
    for (let index = 0; index < 5000; index++) {
      const text = String.fromCodePoint(...Array.from({ length: 1 + random(12) }, () => random(0x11000)))
      const name = FileNames.fromText(text)
      assert.notMatch(name, /[/\\\p{Cc}\p{Cf}\p{Cs}]|^[.-]|[. ]$/u, JSON.stringify(text))
      assert.isAbove(name.length, 0)
      assert.strictEqual(FileNames.fromText(name), name, JSON.stringify(text))
    }
  })
})
