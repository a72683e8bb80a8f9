import { assert, describe, it } from "@effect/vitest"
import { makeMemoryBudget, WriteBuffer } from "../../../src/Store/files/writeBuffer.js"

const bytesOf = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value)

describe("Store/files/writeBuffer", () => {
  it("gives memory that is written to another buffer, and to one only", () => {
    const memory = makeMemoryBudget()
    const buffers = Array.from({ length: 3 }, () => new WriteBuffer(memory))
    const [first, second, third] = buffers
    assert.isTrue(first?.add(bytesOf(6000, 1), 0, 65_536))
    const taken = first?.take() ?? []
    assert.deepStrictEqual(taken[0]?.bytes, bytesOf(6000, 1))
    first?.reuse(taken)
    assert.isTrue(second?.add(bytesOf(100, 2), 0, 65_536))
    assert.isTrue(third?.add(bytesOf(200, 3), 0, 65_536))
    assert.deepStrictEqual(second?.take()[0]?.bytes, bytesOf(100, 2))
    assert.deepStrictEqual(third?.take()[0]?.bytes, bytesOf(200, 3))
  })

  it("keeps the content of runs that are taken and not yet written", () => {
    const memory = makeMemoryBudget()
    const first = new WriteBuffer(memory)
    first.add(bytesOf(10, 1), 0, 65_536)
    const taken = first.take()
    const second = new WriteBuffer(memory)
    second.add(bytesOf(10, 2), 0, 65_536)
    assert.deepStrictEqual(taken[0]?.bytes, bytesOf(10, 1))
  })

  it("gives back to the budget what it has taken", () => {
    const memory = makeMemoryBudget()
    const before = memory.leftBytes
    const buffer = new WriteBuffer(memory)
    for (const [size, position] of [
      [10, 0],
      [20_000, 10],
      [70_000, 100_000]
    ] as const) {
      assert.isTrue(buffer.add(bytesOf(size, 1), position, 1_000_000))
    }
    assert.isBelow(memory.leftBytes, before)
    buffer.reuse(buffer.take())
    assert.strictEqual(memory.leftBytes, before)
  })

  it("takes nothing when the budget is used up", () => {
    const memory = makeMemoryBudget()
    memory.leftBytes = 16 * 1024
    const buffer = new WriteBuffer(memory)
    assert.isFalse(buffer.add(bytesOf(1, 1), 0, 65_536))
    assert.strictEqual(buffer.sizeBytes, 0)
  })

  it("keeps a bounded number of arrays for other buffers", () => {
    const memory = makeMemoryBudget()
    const buffers = Array.from({ length: 100 }, () => new WriteBuffer(memory))
    for (const buffer of buffers) {
      buffer.add(bytesOf(10, 1), 0, 65_536)
    }
    for (const buffer of buffers) {
      buffer.reuse(buffer.take())
    }
    assert.strictEqual(memory.spare.length, 64)
  })
})
