import { assert, describe, it } from "@effect/vitest"
import { parse } from "../../../src/engine/resume/aria2Control.js"

const bytesOf = (...fields: ReadonlyArray<readonly [value: number, length: number]>): Uint8Array =>
  Uint8Array.from(
    fields.flatMap(([value, length]) =>
      Array.from({ length }, (_, index) => Math.floor(value / 256 ** (length - 1 - index)) % 256)
    )
  )

const mebibyte = 1024 * 1024

/** Ten pieces of 1 MiB and a half; the first, the third and the last are there, and two blocks of the second. */
const control = bytesOf(
  [1, 2],
  [0, 4],
  [0, 4],
  [mebibyte, 4],
  [10.5 * mebibyte, 8],
  [0, 8],
  [2, 4],
  [0b10100000_00100000, 2],
  [1, 4],
  [1, 4],
  [mebibyte, 4],
  [8, 4],
  [0b11000000, 1],
  [0, 7]
)

describe("the control file of aria2", () => {
  it("says which ranges are there", () => {
    assert.deepStrictEqual(parse(control), {
      totalBytes: 10.5 * mebibyte,
      ranges: [
        { startBytes: 0, endBytes: mebibyte },
        { startBytes: mebibyte, endBytes: mebibyte + 16 * 1024 },
        { startBytes: mebibyte + 16 * 1024, endBytes: mebibyte + 32 * 1024 },
        { startBytes: 2 * mebibyte, endBytes: 3 * mebibyte },
        { startBytes: 10 * mebibyte, endBytes: 10.5 * mebibyte }
      ]
    })
  })

  it("is not read if it is cut, of another version, or contradicts itself", () => {
    for (let length = 0; length < control.length; length++) {
      assert.isUndefined(parse(control.subarray(0, length)), `${length}`)
    }
    for (const [offset, byte] of [
      [1, 0],
      [11, 0],
      [33, 3]
    ] as const) {
      const changed = control.slice()
      changed[offset] = byte
      assert.isUndefined(parse(changed), `${offset}`)
    }
  })
})
