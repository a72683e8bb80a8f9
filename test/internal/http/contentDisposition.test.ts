import { assert, describe, it } from "@effect/vitest"
import * as ContentDisposition from "../../../src/internal/http/contentDisposition.js"

const latin1 = (text: string): string => Buffer.from(text, "utf8").toString("latin1")

describe("internal/http/contentDisposition", () => {
  for (const [field, name] of [
    ['attachment; filename="report.pdf"', "report.pdf"],
    ["attachment; filename=report.pdf", "report.pdf"],
    ["inline; filename=my report.pdf", "my report.pdf"],
    ['ATTACHMENT; FILENAME="a \\"b\\".txt"', 'a "b".txt'],
    ["attachment; filename=\"fallback.txt\"; filename*=UTF-8''%e2%82%ac%20rates.txt", "\u20ac rates.txt"],
    ["attachment; filename*=UTF-8''%e2%82%ac.txt; filename=\"fallback.txt\"", "\u20ac.txt"],
    ["attachment; filename*=iso-8859-1'en'%A3.txt", "\u00a3.txt"],
    ["attachment; filename*=UTF-8''%ff%fe; filename=\"fallback.txt\"", "fallback.txt"],
    [`attachment; filename="${latin1("naïve café.txt")}"`, "naïve café.txt"],
    ['attachment; filename="caf\u00e9.txt"', "café.txt"],
    ['attachment; filename="../../etc/passwd"', "passwd"],
    ['attachment; filename="C:\\\\temp\\\\evil.exe"', "evil.exe"],
    ['attachment; filename="a/"', undefined],
    ['attachment; filename=""', undefined],
    ['attachment; filename=".."', undefined],
    ["attachment", undefined],
    ["", undefined],
    ['attachment; filename="no end', undefined],
    [`attachment; filename="${"a".repeat(20_000)}"`, undefined],
    [undefined, undefined]
  ] as const) {
    it(`finds ${name ?? "no name"} in ${field?.slice(0, 60) ?? "no field"}`, () => {
      assert.strictEqual(ContentDisposition.fileName(field), name)
    })
  }
})
