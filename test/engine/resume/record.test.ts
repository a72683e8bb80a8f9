import { assert, describe, it } from "@effect/vitest"
import * as PartRecord from "../../../src/engine/resume/record.js"

const record: PartRecord.PartRecord = {
  validator: '"v1"',
  totalBytes: 1000,
  isTotalOfRange: false,
  coding: "",
  type: "application/zip",
  url: "00",
  source: "11",
  ranges: [
    { startBytes: 0, endBytes: 10 },
    { startBytes: 20, endBytes: 1000 }
  ]
}

const changed = (fields: Readonly<Record<string, unknown>>): string =>
  JSON.stringify({ ...JSON.parse(PartRecord.encode(record)), ...fields })

describe("the record of a part", () => {
  it("is decoded to what was encoded", () => {
    const variants: ReadonlyArray<PartRecord.PartRecord> = [
      record,
      { ...record, ranges: [] },
      { ...record, validator: undefined, totalBytes: undefined },
      { ...record, validator: "Thu, 01 Jan 2026 00:00:00 GMT", isTotalOfRange: true }
    ]
    for (const one of variants) {
      assert.deepStrictEqual(PartRecord.decode(PartRecord.encode(one)), one)
    }
  })

  it("is not decoded if it is cut, of another form, or contradicts itself", () => {
    const text = PartRecord.encode(record)
    for (let length = 0; length < text.length; length++) {
      assert.isUndefined(PartRecord.decode(text.slice(0, length)), text.slice(0, length))
    }
    const wrong: ReadonlyArray<Readonly<Record<string, unknown>>> = [
      { form: 2 },
      { ranges: [[10, 10]] },
      { ranges: [[10, 5]] },
      { ranges: [[-1, 5]] },
      { ranges: [[0.5, 5]] },
      { ranges: [[0, 1e300]] },
      { ranges: [[0, 1001]] },
      {
        ranges: [
          [20, 30],
          [0, 10]
        ]
      },
      {
        ranges: [
          [0, 10],
          [10, 20]
        ]
      },
      { totalBytes: -1 },
      { totalBytes: "1000" },
      { validator: 'W/"v1"' },
      { validator: "" },
      { validator: '"v1"\r\nx: y' },
      { coding: 1 },
      { source: undefined }
    ]
    for (const fields of wrong) {
      assert.isUndefined(PartRecord.decode(changed(fields)), JSON.stringify(fields))
    }
  })
})
